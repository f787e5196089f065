-- The company month by month, for all devices and for each, for the trend and the small pictures beside the figures.
with spent as (select strftime(day, '%Y-%m') as month, sum(spend) as spend from spend_daily group by all),

devices as (
    select '(all)' as device_class
    union all
    select distinct device_class from sales_devices where length(period) = 7 and device_class not in ('(all)', '(none)')
),

cells as (
    select
        periods.period as month,
        devices.device_class,
        periods.to_day < cast(last_day(periods.from_day) as date) as is_partial,
        sales_devices.* exclude (period, device_class),
        coalesce(sales_devices.persons, 0) not between 1 and 4 as is_shown
    from periods
    cross join devices
    left join sales_devices on sales_devices.period = periods.period and sales_devices.device_class = devices.device_class
    where length(periods.period) = 7 and periods.period in (select period from channel_roi)
)

select
    cells.month,
    cells.device_class,
    cells.is_partial,
    not cells.is_shown as is_hidden,
    case when cells.device_class = '(all)' then cast(spent.spend as double) end as spend,
    case when is_shown then cast(coalesce(revenue, 0) as double) end as revenue,
    case when is_shown and (persons is null or margin is not null) then cast(coalesce(margin, 0) as double) end as margin,
    case when cells.device_class = '(all)' and is_shown and margin is not null then (cast(margin as double) - cast(spent.spend as double)) / nullif(cast(spent.spend as double), 0) end as roi,
    case when is_shown then cast(coalesce(first_orders, 0) as double) end as new_customers,
    case when is_shown then cast(coalesce(orders, 0) as double) end as orders,
    case when is_shown then cast(repeat_orders as double) / nullif(cast(orders as double), 0) end as returning_share
from cells
left join spent on spent.month = cells.month
order by cells.month, cells.device_class
