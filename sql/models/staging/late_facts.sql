-- purpose: what came in for days that are closed: it moves nothing until the next full refresh
-- grain: one row per event that waits and build that took it in
-- key: none
-- kept: appended
-- reads: event_once_stored (event_key varchar, identifier_set varchar, occurred_at timestamptz, event_date date)
-- published: no
-- A copy of what is known already is no late fact; how far back that is known is in docs/builds.md. A version that moves
-- a known event of a closed day to an open one waits too, or it would stand twice.
select distinct
    stg_arrivals.event_key,
    stg_arrivals.source,
    stg_arrivals.event_type,
    case when known.event_date < stg_arrivals.event_date then known.event_date else stg_arrivals.event_date end as event_date
from stg_arrivals
left join event_once_stored as known on known.event_key = stg_arrivals.event_key
where (
        stg_arrivals.event_date < date '0001-01-01' /* closed before */
        or known.event_key is not null
    )
    and (
        known.event_key is null
        or known.occurred_at <> stg_arrivals.occurred_at
        or stg_arrivals.updated_at > stg_arrivals.occurred_at
        or coalesce(known.identifier_set, '') <> coalesce(stg_arrivals.identifier_set, '')
    )
