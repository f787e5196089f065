-- How many entered each stage in the months of each period, and how far they have come. Cut by channel or by device, never both.
-- A month belongs to a period where it began in it. Windows that are not over for a month of the period are left out.
with cells as (
    select stage, cohort_month, channel, device_class, entered, skipped, advanced, undecided, advanced_30d, advanced_90d, median_days
    from stage_conversion
    where channel = '(all)' or device_class = '(all)'
),

months as (
    select
        periods.period,
        cells.stage, cells.channel, cells.device_class,
        count(*) as months,
        sum(entered) as entered, sum(skipped) as skipped, sum(advanced) as advanced, sum(undecided) as undecided,
        sum(advanced_90d) as advanced_90d,
        sum(case when advanced_90d is not null then entered end) as entered_90d,
        case when count(*) = 1 then max(median_days) end as median_days
    from cells
    inner join periods
        on periods.period <> 'all_time' and cells.cohort_month <> '(all)'
        and cells.cohort_month between strftime(cast(periods.from_day as date) + case when strftime(cast(periods.from_day as date), '%d') = '01' then 0 else 31 end, '%Y-%m') and substr(periods.to_day, 1, 7)
    group by all
    union all
    select
        'all_time', stage, channel, device_class, 0,
        max(entered) filter (where cohort_month = '(all)'), max(skipped) filter (where cohort_month = '(all)'),
        max(advanced) filter (where cohort_month = '(all)'), max(undecided) filter (where cohort_month = '(all)'),
        sum(advanced_90d) filter (where cohort_month <> '(all)'),
        sum(entered) filter (where cohort_month <> '(all)' and advanced_90d is not null),
        max(median_days) filter (where cohort_month = '(all)')
    from cells
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
    case when entered >= 5 then cast(median_days as double) end as median_days
from months
where entered + skipped > 0
order by period, stage, channel, device_class
