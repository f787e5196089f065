-- purpose: can each source be trusted today: how fresh it is, how much it sends, and what was wrong with it
-- grain: one row per source
-- key: source
-- kept: table
-- published: yes
-- columns:
--   source: the source
--   last_event_at: its last event, or the last day with a cost (UTC)
--   events_7d: events and cost rows of the last 7 whole days
--   events_before_7d: the same of the 7 days before
--   rejected_7d: records refused in the 7 days up to the last one refused or received
--   duplicates_7d: copies of events that were already there, of the last 7 whole days
--   late_7d: events of the last 7 days of arrival that came later than lateness_days after they happened
--   bots_7d: events of machines in the last 7 whole days
--   is_stale: nothing came for longer than the source's setting allows
-- Days end on the last whole day of the data, not on the clock.
with facts as (
    select
        stg_events.source,
        max(stg_events.occurred_at) as last_at,
        max(stg_events.event_date) as last_day,
        count(case when stg_events.event_date > date_add('day', -7, horizon.as_of_day) and stg_events.event_date <= horizon.as_of_day then 1 end)
            as events_7d,
        count(
            case
                when stg_events.event_date > date_add('day', -14, horizon.as_of_day)
                    and stg_events.event_date <= date_add('day', -7, horizon.as_of_day) then 1
            end
        ) as events_before_7d,
        count(
            case
                when stg_events.event_date > date_add('day', -7, horizon.as_of_day)
                    and stg_events.event_date <= horizon.as_of_day then 1
            end
        )
        - count(
            distinct case
                when stg_events.event_date > date_add('day', -7, horizon.as_of_day)
                    and stg_events.event_date <= horizon.as_of_day then stg_events.event_id
            end
        ) as duplicates_7d,
        count(
            case
                when to_unixtime(stg_events.received_at) - to_unixtime(stg_events.occurred_at) > settings.lateness_days * 86400e0
                    and to_unixtime(stg_events.received_at) > to_unixtime(horizon.as_of_at) - 7 * 86400e0
                    and to_unixtime(stg_events.received_at) <= to_unixtime(horizon.as_of_at) then 1
            end
        ) as late_7d,
        count(
            case
                when stg_events.is_bot and stg_events.event_date > date_add('day', -7, horizon.as_of_day)
                    and stg_events.event_date <= horizon.as_of_day then 1
            end
        ) as bots_7d
    from stg_events
    cross join horizon
    cross join settings
    group by stg_events.source
    union all
    select
        stg_costs.source,
        max(with_timezone(cast(stg_costs.cost_date as timestamp(6)), 'UTC')),
        max(stg_costs.cost_date),
        count(case when stg_costs.cost_date > date_add('day', -7, horizon.as_of_day) and stg_costs.cost_date <= horizon.as_of_day then 1 end),
        count(
            case
                when stg_costs.cost_date > date_add('day', -14, horizon.as_of_day)
                    and stg_costs.cost_date <= date_add('day', -7, horizon.as_of_day) then 1
            end
        ),
        cast(0 as bigint),
        cast(0 as bigint),
        cast(0 as bigint)
    from stg_costs
    cross join horizon
    group by stg_costs.source
),

per_source as (
    select
        facts.source,
        max(facts.last_at) as last_at,
        max(facts.last_day) as last_day,
        cast(sum(facts.events_7d) as bigint) as events_7d,
        cast(sum(facts.events_before_7d) as bigint) as events_before_7d,
        cast(sum(facts.duplicates_7d) as bigint) as duplicates_7d,
        cast(sum(facts.late_7d) as bigint) as late_7d,
        cast(sum(facts.bots_7d) as bigint) as bots_7d
    from facts
    group by facts.source
),

refused as (
    select
        rejected_index.source,
        count(
            case
                when to_unixtime(from_iso8601_timestamp(rejected_index.rejected_at)) > latest.latest_s - 7 * 86400e0 then 1
            end
        ) as rejected_7d
    from rejected_index
    cross join (
        select max(arrivals.arrived_s) as latest_s
        from (
            select to_unixtime(from_iso8601_timestamp(rejected_index.rejected_at)) as arrived_s from rejected_index
            union all
            select to_unixtime(stg_events.received_at) from stg_events
            union all
            select to_unixtime(stg_costs.received_at) from stg_costs
        ) as arrivals
    ) as latest
    group by rejected_index.source
),

every_source as (
    select per_source.source from per_source
    union
    select refused.source from refused
    union
    select source_settings.source from source_settings
)

select
    every_source.source,
    per_source.last_at as last_event_at,
    coalesce(per_source.events_7d, 0) as events_7d,
    coalesce(per_source.events_before_7d, 0) as events_before_7d,
    coalesce(refused.rejected_7d, 0) as rejected_7d,
    coalesce(per_source.duplicates_7d, 0) as duplicates_7d,
    coalesce(per_source.late_7d, 0) as late_7d,
    coalesce(per_source.bots_7d, 0) as bots_7d,
    per_source.last_at is null
    or to_unixtime(horizon.as_of_at) - to_unixtime(per_source.last_at)
        > coalesce(source_settings.stale_after_hours, 72e0) * 3600e0 as is_stale
from every_source
cross join horizon
left join per_source on per_source.source = every_source.source
left join refused on refused.source = every_source.source
left join source_settings on source_settings.source = every_source.source
