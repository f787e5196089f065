-- purpose: the sets of identifiers that make persons, with the event that first showed each
-- grain: one row per distinct set of identifiers
-- key: identifier_set
-- kept: table
-- published: no
-- What a withdrawal of consent stripped shows nothing: of such sets what is left of their events counts.
with reached as (
    select
        event_once.identifier_set,
        event_once.seen_at as first_seen_at,
        lpad(cast(cast(round(to_unixtime(event_once.seen_at) * 1000) as bigint) as varchar), 15, '0')
        || event_once.event_key as first_event
    from event_once
    cross join horizon
    inner join set_consent on set_consent.identifier_set = event_once.identifier_set
    where event_once.at_s >= set_consent.stripped_before_s
        and not event_once.is_bot
        and (event_once.has_consent or event_once.gives_consent)
        and event_once.event_date >= date '0001-01-01' /* closed before */
        and event_once.event_date >= horizon.open_from_day
    union all
    select
        closed_consenting_sets.identifier_set,
        closed_consenting_sets.first_seen_at,
        closed_consenting_sets.first_event
    from closed_consenting_sets
)

select identifier_sets.identifier_set, identifier_sets.first_seen_at, identifier_sets.event_key
from identifier_sets
left join set_consent on set_consent.identifier_set = identifier_sets.identifier_set
where identifier_sets.first_seen_at is not null
    and set_consent.identifier_set is null
union all
select reached.identifier_set, min(reached.first_seen_at), substr(min(reached.first_event), 16)
from reached
group by reached.identifier_set
