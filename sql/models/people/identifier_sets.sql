-- purpose: the distinct sets of identifiers that events carried: who is who is asked of sets, not of every event
-- grain: one row per distinct set of identifiers
-- key: identifier_set
-- kept: table
-- published: no
-- Closed days as they add up, and the open ones, by the rule of closed_sets.
with seen as (
    select
        event_once.identifier_set,
        case when not event_once.is_bot and (event_once.has_consent or event_once.gives_consent) then event_once.seen_at end
            as first_seen_at,
        case
            when event_once.identifier_set like '%|_%'
                and not event_once.is_bot
                and (event_once.has_consent or event_once.gives_consent) then
                lpad(cast(cast(round(to_unixtime(event_once.seen_at) * 1000) as bigint) as varchar), 15, '0')
                || event_once.event_key
        end as first_event,
        not event_once.is_bot as is_human
    from event_once
    cross join horizon
    where event_once.identifier_set is not null
        and event_once.event_date >= date '0001-01-01' /* closed before */
        and event_once.event_date >= horizon.open_from_day
    union all
    select closed_sets.identifier_set, closed_sets.first_seen_at, closed_sets.first_event, closed_sets.is_human
    from closed_sets
)

select
    seen.identifier_set,
    min(seen.first_seen_at) as first_seen_at,
    substr(min(seen.first_event), 16) as event_key,
    count(case when seen.is_human then 1 end) > 0 as is_human
from seen
group by seen.identifier_set
