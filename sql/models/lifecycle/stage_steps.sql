-- purpose: how many entered each stage, and after how many days they went on or were last seen, for every cut that pages show
-- grain: one row per stage, cut and day; a cut is a channel or (all), a device or (all), a month or (all)
-- key: stage, channel, device_class, cohort_month, day
-- kept: table
-- published: no
-- Persons are counted once, by the finest cut; the coarser ones are sums of counts.
with steps as (
    select
        this_stage.stage,
        person_stages.first_channel as channel,
        person_stages.first_device as device_class,
        date_format(this_stage.entered_date, '%Y-%m') as cohort_month,
        not this_stage.is_inferred as is_seen,
        (next_stage.entered_s - this_stage.entered_s) / 86400e0 as days_to_next,
        (to_unixtime(horizon.as_of_at) - this_stage.entered_s) / 86400e0 as days_followed
    from stage_times as this_stage
    cross join horizon
    inner join person_stages on person_stages.person_id = this_stage.person_id
    left join stage_times as next_stage
        on next_stage.person_id = this_stage.person_id
        and next_stage.stage_no = this_stage.stage_no + 1
    where this_stage.stage_no < 5
),

daily as (
    select
        steps.stage,
        steps.channel,
        steps.device_class,
        steps.cohort_month,
        cast(floor(coalesce(steps.days_to_next, steps.days_followed)) as bigint) as day,
        count(case when steps.is_seen then 1 end) as entered,
        count(case when not steps.is_seen then 1 end) as skipped,
        count(case when steps.is_seen and steps.days_to_next is not null then 1 end) as advanced,
        count(case when steps.is_seen and steps.days_to_next <= 7e0 then 1 end) as within_7d,
        count(case when steps.is_seen and steps.days_to_next <= 30e0 then 1 end) as within_30d,
        count(case when steps.is_seen and steps.days_to_next <= 90e0 then 1 end) as within_90d,
        count(case when steps.is_seen and steps.days_to_next <= 365e0 then 1 end) as within_365d
    from steps
    group by
        steps.stage,
        steps.channel,
        steps.device_class,
        steps.cohort_month,
        cast(floor(coalesce(steps.days_to_next, steps.days_followed)) as bigint)
)

select
    daily.stage,
    case when cuts.by_channel = 1 then daily.channel else '(all)' end as channel,
    case when cuts.by_device = 1 then daily.device_class else '(all)' end as device_class,
    case when cuts.by_month = 1 then daily.cohort_month else '(all)' end as cohort_month,
    daily.day,
    cast(sum(daily.entered) as bigint) as entered,
    cast(sum(daily.skipped) as bigint) as skipped,
    cast(sum(daily.advanced) as bigint) as advanced,
    cast(sum(daily.within_7d) as bigint) as within_7d,
    cast(sum(daily.within_30d) as bigint) as within_30d,
    cast(sum(daily.within_90d) as bigint) as within_90d,
    cast(sum(daily.within_365d) as bigint) as within_365d
from daily
cross join (
    values (0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)
) as cuts (by_channel, by_device, by_month)
group by
    daily.stage,
    case when cuts.by_channel = 1 then daily.channel else '(all)' end,
    case when cuts.by_device = 1 then daily.device_class else '(all)' end,
    case when cuts.by_month = 1 then daily.cohort_month else '(all)' end,
    daily.day
