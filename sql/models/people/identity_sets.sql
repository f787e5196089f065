-- purpose: the sets of identifiers that make persons, with the event that first showed each
-- grain: one row per distinct set of identifiers
-- key: identifier_set
-- kept: table
-- published: no
-- What a withdrawal of consent stripped shows nothing: such sets are read again from what is left of their events.
with reached as (
    select
        event_once.identifier_set,
        min(event_once.seen_at) as first_seen_at,
        substr(
            min(
                lpad(cast(cast(round(to_unixtime(event_once.seen_at) * 1000) as bigint) as varchar), 15, '0')
                || event_once.event_key
            ),
            16
        ) as event_key
    from event_once
    inner join set_consent on set_consent.identifier_set = event_once.identifier_set
    where event_once.at_s >= set_consent.stripped_before_s
        and not event_once.is_bot
        and (event_once.has_consent or event_once.gives_consent)
    group by event_once.identifier_set
)

select identifier_sets.identifier_set, identifier_sets.first_seen_at, identifier_sets.event_key
from identifier_sets
left join set_consent on set_consent.identifier_set = identifier_sets.identifier_set
where identifier_sets.first_seen_at is not null
    and set_consent.identifier_set is null
union all
select reached.identifier_set, reached.first_seen_at, reached.event_key
from reached
