-- Margin per customer, month by month after the first order, by the channel that won the customer and by the device on which it did.
-- Each month's margin is divided by the customers of those cohorts for which the month is over, then summed up.
with cells as (
    select
        case when grouping(channel) = 1 then '(all)' else channel end as channel,
        case when grouping(device_class) = 1 then '(all)' else device_class end as device_class,
        period,
        sum(size) filter (where is_complete) as size,
        sum(retained) filter (where is_complete) as retained,
        case when count(margin) filter (where is_complete) = count(*) filter (where is_complete) then sum(margin) filter (where is_complete) end as margin
    from cohort_retention
    group by grouping sets ((channel, device_class, period), (channel, period), (device_class, period), (period))
),

summed as (
    select
        channel, device_class, period, size, retained,
        case
            when count(margin) over so_far = count(*) over so_far then sum(cast(margin as double) / cast(nullif(size, 0) as double)) over so_far
        end as cumulative_margin
    from cells
    where size >= 5 and period <= 12
    window so_far as (partition by channel, device_class order by period rows unbounded preceding)
)

select
    summed.channel,
    summed.device_class,
    cast(summed.period as double) as month,
    cast(summed.size as double) as customers,
    cast(summed.retained as double) / cast(summed.size as double) as share,
    summed.cumulative_margin,
    cast(cost.cac as double) as cac
from summed
left join channel_roi as cost on summed.device_class = '(all)' and cost.channel = summed.channel and cost.model = 'last_non_direct' and cost.period = 'all_time'
order by summed.channel, summed.device_class, summed.period
