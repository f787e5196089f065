-- Customers by month of their first order and whole months since, for all channels and devices together and for each. Small cohorts are left out.
with cells as (
    select
        cohort_month,
        case when grouping(channel) = 1 then '(all)' else channel end as channel,
        case when grouping(device_class) = 1 then '(all)' else device_class end as device_class,
        period,
        sum(size) as size,
        sum(retained) as retained,
        sum(retained_from) as retained_from,
        sum(orders) as orders,
        sum(revenue) as revenue,
        case when count(margin) = count(*) then sum(margin) end as margin,
        bool_and(is_complete) as is_complete
    from cohort_retention
    group by grouping sets (
        (cohort_month, channel, device_class, period), (cohort_month, channel, period), (cohort_month, device_class, period), (cohort_month, period)
    )
)

select
    channel,
    device_class,
    cohort_month,
    cast(period as double) as month,
    cast(size as double) as size,
    case when is_complete then cast(retained as double) end as retained,
    case when is_complete then cast(retained as double) / cast(size as double) end as share,
    case when is_complete then cast(retained_from as double) end as retained_from,
    case when is_complete then cast(retained_from as double) / cast(size as double) end as share_from,
    case when is_complete then cast(revenue as double) / cast(size as double) end as revenue_per_customer,
    case when is_complete then cast(margin as double) / cast(size as double) end as margin_per_customer,
    case when is_complete then cast(revenue as double) / cast(nullif(greatest(first_revenue, 0), 0) as double) end as net_revenue_retention,
    is_complete
from (
    select cells.*, first_value(revenue) over (partition by channel, device_class, cohort_month order by period) as first_revenue
    from cells
)
-- The page draws twelve months; a cut by both is worth its weight only where a cohort is large enough to be read.
where size >= 5 and period <= 12 and (channel = '(all)' or device_class = '(all)' or size >= 20)
order by channel, device_class, cohort_month, month
