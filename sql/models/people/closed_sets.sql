-- purpose: the sets of identifiers that events of closed days carried
-- grain: one row per distinct set of identifiers
-- key: identifier_set
-- kept: accumulated
-- reads: closed_sets_stored (identifier_set varchar, first_seen_at timestamptz, first_event varchar, is_human boolean)
-- published: no
-- A bot's event makes no link, and neither does one that says no to analytics. The first event is found by the least of
-- its time and key in one text, so that ties never depend on the order of rows; one identifier alone makes no link.
with seen as (
    select
        event_once.identifier_set,
        min(case when not event_once.is_bot and (event_once.has_consent or event_once.gives_consent) then event_once.seen_at end)
            as first_seen_at,
        min(
            case
                when event_once.identifier_set like '%|_%'
                    and not event_once.is_bot
                    and (event_once.has_consent or event_once.gives_consent) then
                    lpad(cast(cast(round(to_unixtime(event_once.seen_at) * 1000) as bigint) as varchar), 15, '0')
                    || event_once.event_key
            end
        ) as first_event,
        count(case when not event_once.is_bot then 1 end) > 0 as is_human
    from event_once
    cross join horizon
    where event_once.identifier_set is not null
        and event_once.event_date >= date '0001-01-01' /* closed before */
        and event_once.event_date < horizon.open_from_day
    group by event_once.identifier_set
    union all
    select
        closed_sets_stored.identifier_set,
        closed_sets_stored.first_seen_at,
        closed_sets_stored.first_event,
        closed_sets_stored.is_human
    from closed_sets_stored
)

select
    seen.identifier_set,
    min(seen.first_seen_at) as first_seen_at,
    min(seen.first_event) as first_event,
    count(case when seen.is_human then 1 end) > 0 as is_human
from seen
group by seen.identifier_set
