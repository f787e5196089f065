-- purpose: of sets that a withdrawal of consent reaches, what their events of closed days show since consent was given again
-- grain: one row per set of identifiers
-- key: identifier_set
-- kept: accumulated
-- reads: closed_consenting_sets_stored (identifier_set varchar, first_seen_at timestamptz, first_event varchar)
-- published: no
with seen as (
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
        and event_once.event_date < horizon.open_from_day
    union all
    select
        closed_consenting_sets_stored.identifier_set,
        closed_consenting_sets_stored.first_seen_at,
        closed_consenting_sets_stored.first_event
    from closed_consenting_sets_stored
)

select seen.identifier_set, min(seen.first_seen_at) as first_seen_at, min(seen.first_event) as first_event
from seen
group by seen.identifier_set
