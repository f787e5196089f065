-- How many entered each stage in the months of each period, and how far they have come: cut by channel, by device, and by both.
-- A month belongs to a period where it began in it. Windows that are not over for a month of the period are left out.
with months as (
    select
        periods.period,
        stage, channel, device_class,
        count(*) as months,
        sum(entered) as entered, sum(skipped) as skipped, sum(advanced) as advanced, sum(undecided) as undecided,
        sum(advanced_90d) as advanced_90d,
        sum(case when advanced_90d is not null then entered end) as entered_90d,
        case when count(*) = 1 then max(median_days) end as median_days
    from stage_conversion
    inner join periods
        on periods.period <> 'all_time' and cohort_month <> '(all)'
        and cohort_month between strftime(periods.from_day + case when strftime(periods.from_day, '%d') = '01' then 0 else 31 end, '%Y-%m') and strftime(periods.to_day, '%Y-%m')
    group by all
    union all
    select
        'all_time', stage, channel, device_class, 0,
        max(entered) filter (where cohort_month = '(all)'), max(skipped) filter (where cohort_month = '(all)'),
        max(advanced) filter (where cohort_month = '(all)'), max(undecided) filter (where cohort_month = '(all)'),
        sum(advanced_90d) filter (where cohort_month <> '(all)'),
        sum(entered) filter (where cohort_month <> '(all)' and advanced_90d is not null),
        max(median_days) filter (where cohort_month = '(all)')
    from stage_conversion
    group by all
)

select
    period,
    stage,
    channel,
    device_class,
    entered between 1 and 4 as is_hidden,
    case when entered not between 1 and 4 then cast(entered as double) end as entered,
    case when skipped not between 1 and 4 then cast(skipped as double) end as skipped,
    case when entered not between 1 and 4 then cast(advanced as double) end as advanced,
    case when entered not between 1 and 4 then cast(undecided as double) end as undecided,
    case when entered_90d >= 5 then cast(advanced_90d as double) end as advanced_90d,
    case when entered_90d >= 5 then cast(entered_90d as double) end as entered_90d,
    case when entered >= 5 then cast(median_days as double) end as median_days,
    -- The median of several months is not to be had from theirs.
    months <= 1 as has_median
from months
-- cells of both cuts are worth a row only where there is something to show
where entered + skipped > 0 and (channel = '(all)' or device_class = '(all)' or entered >= 5)
order by period, stage, channel, device_class
