-- The company's figures of each period, and of those that it may be compared with, for all devices and for each. They are the same under every
-- model: a model only shares them out. Spend knows no device. Figures that stand for fewer than 5 persons are left out and flagged.
with spent as (
    select periods.period, sum(spend_daily.spend) as spend
    from periods
    inner join spend_daily on spend_daily.day between periods.from_day and periods.to_day
    group by periods.period
),

-- All devices together are there for every period, also where nothing was sold.
cells as (
    select period, '(all)' as device_class from periods
    union all
    select period, device_class from sales_devices where device_class not in ('(all)', '(none)')
)

select
    cells.period,
    cells.device_class,
    coalesce(sales_devices.persons, 0) between 1 and 4 as is_hidden,
    case when cells.device_class = '(all)' then cast(nullif(spent.spend, 0) as double) end as spend,
    case when not is_hidden then cast(coalesce(sales_devices.revenue, 0) as double) end as revenue,
    case when not is_hidden and (sales_devices.period is null or sales_devices.margin is not null) then cast(coalesce(sales_devices.margin, 0) as double) end as margin,
    case when cells.device_class = '(all)' and not is_hidden and spent.spend > 0 and (sales_devices.period is null or sales_devices.margin is not null)
        then (cast(coalesce(sales_devices.margin, 0) as double) - cast(spent.spend as double)) / cast(spent.spend as double) end as roi,
    case when not is_hidden then cast(coalesce(sales_devices.first_orders, 0) as double) end as new_customers,
    case when not is_hidden then cast(coalesce(sales_devices.orders, 0) as double) end as orders,
    case when not is_hidden then cast(sales_devices.repeat_orders as double) / nullif(cast(sales_devices.orders as double), 0) end as returning_share
from cells
left join sales_devices on sales_devices.period = cells.period and sales_devices.device_class = cells.device_class
left join spent on spent.period = cells.period
order by cells.period, cells.device_class
