-- How fresh each source is and how much it sends, with what was refused since the beginning.
select
    source_health.source,
    strftime(source_health.last_event_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as last_event_at,
    cast(source_health.events_7d as double) as events_7d,
    cast(source_health.events_before_7d as double) as events_before_7d,
    cast(source_health.rejected_7d as double) as rejected_7d,
    cast(source_health.duplicates_7d as double) as duplicates_7d,
    cast(source_health.late_7d as double) as late_7d,
    cast(source_health.bots_7d as double) as bots_7d,
    cast(coalesce(refused.records, 0) as double) as rejected,
    source_health.is_stale
from source_health
left join (select source, sum(records) as records from rejected_records group by source) as refused on refused.source = source_health.source
order by source_health.is_stale desc, source_health.source
