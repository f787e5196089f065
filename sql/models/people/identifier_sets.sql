-- purpose: the distinct sets of identifiers that events carried: who is who is asked of sets, not of every event
-- grain: one row per distinct set of identifiers
-- key: identifier_set
-- kept: table
-- published: no
-- A bot's event makes no link, and neither does one that says no to analytics. The first event is found by the least of
-- its time and key in one text, so that ties never depend on the order of rows; one identifier alone makes no link.
select
    event_once.identifier_set,
    min(case when not event_once.is_bot and (event_once.has_consent or event_once.gives_consent) then event_once.seen_at end)
        as first_seen_at,
    substr(
        min(
            case
                when length(event_once.identifier_set) > 26
                    and not event_once.is_bot
                    and (event_once.has_consent or event_once.gives_consent) then
                    lpad(cast(cast(round(to_unixtime(event_once.seen_at) * 1000) as bigint) as varchar), 15, '0')
                    || event_once.event_key
            end
        ),
        16
    ) as event_key,
    count(case when not event_once.is_bot then 1 end) > 0 as is_human
from event_once
where event_once.identifier_set is not null
group by event_once.identifier_set
