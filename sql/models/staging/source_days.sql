-- purpose: what each source sent of each day
-- grain: one row per source and day
-- key: source, event_date
-- kept: incremental
-- partition: event_date month
-- published: no
select
    stg_events.source,
    stg_events.event_date,
    count(*) as copies,
    count(distinct stg_events.event_key) as events,
    count(case when stg_events.is_bot then 1 end) as bots,
    max(stg_events.occurred_at) as last_at,
    max(stg_events.received_at) as last_received_at
from stg_events
group by stg_events.source, stg_events.event_date
