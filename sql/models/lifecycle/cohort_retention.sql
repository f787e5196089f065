-- purpose: do the customers that we win stay, and what do they bring
-- grain: one row per month of the first order, channel and device of that order's last non-direct touch, and period
-- key: cohort_month, channel, device_class, period
-- kept: table
-- published: yes
-- columns:
--   cohort_month: YYYY-MM of the first order
--   channel: channel that won the customer, under last_non_direct; (unattributed) where there was no touch
--   device_class: device of that touch
--   period: whole calendar months after the cohort's month
--   size: customers of the cohort
--   retained: of them, those with an order in the period; null while it is not over
--   retained_from: those with an order in the period or later; it can still grow
--   orders: their orders in the period
--   revenue: revenue of the period, less its refunds
--   margin: margin of the period, less its refunds; null where a part of it is unknown
--   cumulative_margin_per_person: margin per customer from period 0 to this one
--   is_complete: the period is over
--   net_revenue_retention: revenue of the period / revenue of period 0; null where either is not known or period 0 brought nothing
with happened as (
    select
        person_conversions.person_id,
        date_trunc('month', person_conversions.conversion_date) as month,
        cast(sum(person_conversions.conversions) as bigint) as orders,
        sum(person_conversions.revenue) as revenue,
        sum(person_conversions.margin) as margin,
        count(*) - count(person_conversions.margin) as unknown_margins
    from person_conversions
    where person_conversions.conversion_type in ('first_order', 'repeat_order')
    group by person_conversions.person_id, date_trunc('month', person_conversions.conversion_date)
),

lived as (
    select
        customer_cohorts.cohort_month,
        customer_cohorts.channel,
        customer_cohorts.device_class,
        customer_cohorts.person_id,
        greatest(date_diff('month', customer_cohorts.cohort_month, happened.month), 0) as period,
        happened.orders,
        happened.revenue,
        happened.margin,
        happened.unknown_margins
    from customer_cohorts
    inner join happened
        on happened.person_id = customer_cohorts.person_id
),

cells as (
    select
        lived.cohort_month,
        lived.channel,
        lived.device_class,
        lived.period,
        count(case when lived.orders > 0 then 1 end) as retained,
        cast(sum(lived.orders) as bigint) as orders,
        sum(lived.revenue) as revenue,
        sum(lived.margin) as margin,
        sum(lived.unknown_margins) as unknown_margins
    from lived
    group by lived.cohort_month, lived.channel, lived.device_class, lived.period
),

last_orders as (
    select
        last_periods.cohort_month,
        last_periods.channel,
        last_periods.device_class,
        last_periods.period,
        count(*) as persons
    from (
        select lived.cohort_month, lived.channel, lived.device_class, lived.person_id, max(lived.period) as period
        from lived
        where lived.orders > 0
        group by lived.cohort_month, lived.channel, lived.device_class, lived.person_id
    ) as last_periods
    group by last_periods.cohort_month, last_periods.channel, last_periods.device_class, last_periods.period
),

sizes as (
    select customer_cohorts.cohort_month, customer_cohorts.channel, customer_cohorts.device_class, count(*) as size
    from customer_cohorts
    group by customer_cohorts.cohort_month, customer_cohorts.channel, customer_cohorts.device_class
),

grid as (
    select
        sizes.cohort_month,
        sizes.channel,
        sizes.device_class,
        sizes.size,
        cast(date_diff('month', sizes.cohort_month, months.month) as bigint) as period,
        date_add('day', -1, date_add('month', 1, months.month)) <= horizon.as_of_day as is_complete
    from sizes
    cross join horizon
    inner join (
        select distinct date_trunc('month', calendar.day) as month
        from calendar
    ) as months on months.month >= sizes.cohort_month
),

running as (
    select
        grid.*,
        coalesce(cells.retained, 0) as retained,
        coalesce(cells.orders, 0) as orders,
        coalesce(cells.revenue, cast(0 as decimal(18, 2))) as revenue,
        coalesce(cells.margin, cast(0 as decimal(18, 2))) as margin,
        coalesce(cells.unknown_margins, 0) as unknown_margins,
        sum(coalesce(last_orders.persons, 0)) over (
            partition by grid.cohort_month, grid.channel, grid.device_class
            order by grid.period desc
            rows between unbounded preceding and current row
        ) as retained_from,
        sum(coalesce(cells.margin, cast(0 as decimal(18, 2)))) over so_far as margin_so_far,
        sum(coalesce(cells.unknown_margins, 0)) over so_far as unknown_so_far,
        first_value(coalesce(cells.revenue, cast(0 as decimal(18, 2)))) over so_far as first_revenue
    from grid
    left join cells
        on cells.cohort_month = grid.cohort_month
        and cells.channel = grid.channel
        and cells.device_class = grid.device_class
        and cells.period = grid.period
    left join last_orders
        on last_orders.cohort_month = grid.cohort_month
        and last_orders.channel = grid.channel
        and last_orders.device_class = grid.device_class
        and last_orders.period = grid.period
    window so_far as (
        partition by grid.cohort_month, grid.channel, grid.device_class
        order by grid.period
        rows between unbounded preceding and current row
    )
)

select
    date_format(running.cohort_month, '%Y-%m') as cohort_month,
    running.channel,
    running.device_class,
    running.period,
    running.size,
    case when running.is_complete then running.retained end as retained,
    case when running.is_complete then cast(running.retained_from as bigint) end as retained_from,
    case when running.is_complete then running.orders end as orders,
    case when running.is_complete then cast(running.revenue as decimal(18, 2)) end as revenue,
    case when running.is_complete and running.unknown_margins = 0 then cast(running.margin as decimal(18, 2)) end as margin,
    case
        when running.is_complete and running.unknown_so_far = 0 then
            cast(running.margin_so_far as double) / cast(running.size as double)
    end as cumulative_margin_per_person,
    running.is_complete,
    case
        when running.is_complete and running.first_revenue > 0 then
            cast(running.revenue as double) / cast(running.first_revenue as double)
    end as net_revenue_retention
from running
