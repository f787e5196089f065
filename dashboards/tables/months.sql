-- The company month by month, for all devices and for each, for the trend and the small pictures beside the figures.
with money as (
    select
        strftime(day, '%Y-%m') as month,
        sum(case when conversion_type in ('first_order', 'repeat_order') then revenue end) as revenue,
        sum(case when conversion_type in ('first_order', 'repeat_order') then margin end) as margin,
        count(case when conversion_type in ('first_order', 'repeat_order') and margin is null then 1 end) as unknown_margins,
        sum(case when conversion_type = 'first_order' then conversions end) as new_customers,
        sum(case when conversion_type in ('first_order', 'repeat_order') then conversions end) as orders,
        sum(case when conversion_type = 'repeat_order' then conversions end) as repeat_orders
    from channel_daily, site
    where model = site.default_model
    group by all
),

spent as (select strftime(day, '%Y-%m') as month, sum(spend) as spend from spend_daily group by all),

buyers as (
    select strftime(conversion_date, '%Y-%m') as month, count(distinct person_id) as persons
    from conversions
    where conversion_type in ('first_order', 'repeat_order')
    group by all
),

shown as (
    select period as month, coalesce(persons, 0) not between 1 and 4 as is_shown, to_day < cast(last_day(from_day) as date) as is_partial
    from periods
    left join buyers on buyers.month = periods.period
    where length(period) = 7 and period in (select period from channel_roi)
)

select
    shown.month,
    '(all)' as device_class,
    shown.is_partial,
    not shown.is_shown as is_hidden,
    cast(spent.spend as double) as spend,
    case when is_shown then cast(coalesce(money.revenue, 0) as double) end as revenue,
    case when is_shown and coalesce(money.unknown_margins, 0) = 0 then cast(coalesce(money.margin, 0) as double) end as margin,
    case when is_shown and money.unknown_margins = 0 then (cast(money.margin as double) - cast(spent.spend as double)) / nullif(cast(spent.spend as double), 0) end as roi,
    case when is_shown then round(cast(coalesce(money.new_customers, 0) as double)) end as new_customers,
    case when is_shown then round(cast(coalesce(money.orders, 0) as double)) end as orders,
    case when is_shown then cast(money.repeat_orders as double) / nullif(cast(money.orders as double), 0) end as returning_share
from shown
left join money on money.month = shown.month
left join spent on spent.month = shown.month
union all
-- A month in which a device sold nothing is a month with nothing, not a gap.
select
    shown.month,
    devices.device_class,
    shown.is_partial,
    coalesce(sold.persons, 0) between 1 and 4,
    null,
    case when coalesce(sold.persons, 0) not between 1 and 4 then cast(coalesce(sold.revenue, 0) as double) end,
    case when sold.period is null then 0 when sold.persons >= 5 then cast(sold.margin as double) end,
    null,
    case when coalesce(sold.persons, 0) not between 1 and 4 then cast(coalesce(sold.first_orders, 0) as double) end,
    case when coalesce(sold.persons, 0) not between 1 and 4 then cast(coalesce(sold.orders, 0) as double) end,
    case when sold.persons >= 5 then cast(sold.repeat_orders as double) / nullif(cast(sold.orders as double), 0) end
from shown
cross join (select distinct device_class from sales_devices where device_class not in ('(all)', '(none)')) as devices
left join sales_devices as sold on sold.period = shown.month and sold.device_class = devices.device_class
order by month, device_class
