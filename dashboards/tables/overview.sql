-- The company's figures of each period, and of those that it may be compared with, for all devices and for each. They are the same under every
-- model: a model only shares them out. Spend knows no device.
-- Figures that stand for fewer than 5 persons are left out and flagged.
with money as (
    select
        day,
        sum(case when conversion_type in ('first_order', 'repeat_order') then revenue end) as revenue,
        sum(case when conversion_type in ('first_order', 'repeat_order') then margin end) as margin,
        count(case when conversion_type in ('first_order', 'repeat_order') and margin is null then 1 end) as unknown_margins,
        sum(case when conversion_type = 'first_order' then conversions end) as new_customers,
        sum(case when conversion_type in ('first_order', 'repeat_order') then conversions end) as orders,
        sum(case when conversion_type = 'repeat_order' then conversions end) as repeat_orders,
        cast(0 as decimal(18, 2)) as spend
    from channel_daily, site
    where model = site.default_model
    group by day
    union all
    select day, null, null, 0, null, null, null, sum(spend) from spend_daily group by day
),

buyers as (
    select periods.period, count(distinct conversions.person_id) as persons
    from periods
    inner join conversions on conversions.conversion_date between periods.from_day and periods.to_day
    where conversions.conversion_type in ('first_order', 'repeat_order')
    group by periods.period
),

figures as (
    select
        periods.period,
        coalesce(sum(money.revenue), 0) as revenue,
        case when sum(money.unknown_margins) > 0 then null else coalesce(sum(money.margin), 0) end as margin,
        nullif(coalesce(sum(money.spend), 0), 0) as spend,
        coalesce(sum(money.new_customers), 0) as new_customers,
        coalesce(sum(money.orders), 0) as orders,
        coalesce(sum(money.repeat_orders), 0) as repeat_orders,
        coalesce(max(buyers.persons), 0) as persons
    from periods
    left join money on money.day between periods.from_day and periods.to_day
    left join buyers on buyers.period = periods.period
    group by periods.period
)

select
    period,
    '(all)' as device_class,
    persons between 1 and 4 as is_hidden,
    cast(spend as double) as spend,
    case when persons not between 1 and 4 then cast(revenue as double) end as revenue,
    case when persons not between 1 and 4 then cast(margin as double) end as margin,
    -- Where nobody ordered, nothing is known of what the spend returned (docs/definitions.md, section 9).
    case when persons >= 5 and orders > 0 then (cast(margin as double) - cast(spend as double)) / cast(spend as double) end as roi,
    case when persons not between 1 and 4 then round(cast(new_customers as double)) end as new_customers,
    case when persons not between 1 and 4 then round(cast(orders as double)) end as orders,
    case when persons not between 1 and 4 then cast(repeat_orders as double) / nullif(cast(orders as double), 0) end as returning_share
from figures
union all
select
    period,
    device_class,
    persons between 1 and 4,
    null,
    case when persons >= 5 then cast(revenue as double) end,
    case when persons >= 5 then cast(margin as double) end,
    null,
    case when persons >= 5 then cast(first_orders as double) end,
    case when persons >= 5 then cast(orders as double) end,
    case when persons >= 5 then cast(repeat_orders as double) / nullif(cast(orders as double), 0) end
from sales_devices
where device_class not in ('(all)', '(none)')
order by period, device_class
