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
--   late_waiting: events that came in for days that were closed: they move these at the next full refresh
--   bots_7d: events of machines in the last 7 whole days
--   is_stale: nothing came for longer than the source's setting allows
-- Days end on the last whole day of the data, not on the clock.
with facts as (
    select
        source_days.source,
        max(source_days.last_at) as last_at,
        max(source_days.event_date) as last_day,
        cast(
            sum(
                case
                    when source_days.event_date > date_add('day', -7, horizon.as_of_day)
                        and source_days.event_date <= horizon.as_of_day then source_days.copies
                    else 0
                end
            ) as bigint
        ) as events_7d,
        cast(
            sum(
                case
                    when source_days.event_date > date_add('day', -14, horizon.as_of_day)
                        and source_days.event_date <= date_add('day', -7, horizon.as_of_day) then source_days.copies
                    else 0
                end
            ) as bigint
        ) as events_before_7d,
        cast(
            sum(
                case
                    when source_days.event_date > date_add('day', -7, horizon.as_of_day)
                        and source_days.event_date <= horizon.as_of_day then source_days.copies - source_days.events
                    else 0
                end
            ) as bigint
        ) as duplicates_7d,
        cast(
            sum(
                case
                    when source_days.event_date > date_add('day', -7, horizon.as_of_day)
                        and source_days.event_date <= horizon.as_of_day then source_days.bots
                    else 0
                end
            ) as bigint
        ) as bots_7d
    from source_days
    cross join horizon
    group by source_days.source
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
        cast(sum(facts.bots_7d) as bigint) as bots_7d
    from facts
    group by facts.source
),

late as (
    select
        late_arrivals.source,
        cast(
            sum(
                case
                    when late_arrivals.received_date > date_add('day', -7, horizon.as_of_day)
                        and late_arrivals.received_date <= horizon.as_of_day then late_arrivals.copies
                    else 0
                end
            ) as bigint
        ) as late_7d
    from late_arrivals
    cross join horizon
    group by late_arrivals.source
),

waiting as (
    select late_facts.source, count(distinct late_facts.event_key) as late_waiting
    from late_facts
    group by late_facts.source
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
            select to_unixtime(source_days.last_received_at) from source_days
            union all
            select to_unixtime(stg_costs.received_at) from stg_costs
        ) as arrivals
    ) as latest
    group by rejected_index.source
),

every_source as (
    select per_source.source from per_source
    union
    select waiting.source from waiting
    union
    select refused.source from refused
    -- A line refused before its source could be read.
    where refused.source <> ''
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
    coalesce(late.late_7d, 0) as late_7d,
    coalesce(waiting.late_waiting, 0) as late_waiting,
    coalesce(per_source.bots_7d, 0) as bots_7d,
    per_source.last_at is null
    or to_unixtime(horizon.as_of_at) - to_unixtime(per_source.last_at)
        > coalesce(source_settings.stale_after_hours, 72e0) * 3600e0 as is_stale
from every_source
cross join horizon
left join per_source on per_source.source = every_source.source
left join late on late.source = every_source.source
left join waiting on waiting.source = every_source.source
left join refused on refused.source = every_source.source
left join source_settings on source_settings.source = every_source.source
