-- purpose: how many customers were active, at risk, lapsed and won back at the end of each month
-- grain: one row per month, state and device of the customer's first touch
-- key: month, state, device_class
-- kept: table
-- published: yes
-- columns:
--   month: YYYY-MM; the last one ends on the last whole day
--   state: active, at risk, lapsed or won back, as in persons
--   device_class: device of the customer's first touch, as first_device in persons
--   customers: how many customers stood so at the month's end
-- Each month end is judged by what had occurred by then, with the rules of the model persons.
with months as (
    select
        date_trunc('month', calendar.day) as month_day,
        max(calendar.day) as last_day
    from calendar
    group by date_trunc('month', calendar.day)
),

ends as (
    select
        months.month_day,
        to_unixtime(with_timezone(cast(date_add('day', 1, months.last_day) as timestamp(6)), 'Europe/Rome' /* time zone */)) as end_s
    from months
),

order_days as (
    select
        orders.person_id,
        orders.event_date,
        min(orders.at_s) as at_s,
        min(orders.at_s) - lag(min(orders.at_s)) over (partition by orders.person_id order by orders.event_date) as gap_s
    from orders
    where orders.is_named
    group by orders.person_id, orders.event_date
),

customers as (
    select order_days.person_id, date_trunc('month', min(order_days.event_date)) as first_month
    from order_days
    group by order_days.person_id
),

bought as (
    select
        order_days.person_id,
        date_trunc('month', order_days.event_date) as month_day,
        count(*) as days,
        min(order_days.at_s) as first_at_s,
        max(order_days.at_s) as last_at_s,
        max_by(order_days.gap_s, order_days.event_date) filter (where order_days.gap_s is not null) as last_gap_s
    from order_days
    group by order_days.person_id, date_trunc('month', order_days.event_date)
),

-- Before the first order a sign is of no use but to be the last one.
signs as (
    select
        person_events.person_id,
        greatest(date_trunc('month', person_events.event_date), customers.first_month) as month_day,
        max(person_events.at_s) as last_sign_s
    from person_events
    inner join customers on customers.person_id = person_events.person_id
    where not person_events.is_bot
        and person_events.event_type not in ('Email Sent', 'Email Opened', 'Ad Viewed')
    group by person_events.person_id, greatest(date_trunc('month', person_events.event_date), customers.first_month)
),

grid as (
    select
        customers.person_id,
        ends.month_day,
        ends.end_s,
        signs.last_sign_s,
        bought.days,
        bought.first_at_s,
        bought.last_at_s,
        bought.last_gap_s,
        count(bought.last_gap_s) over so_far as gap_group
    from customers
    inner join ends on ends.month_day >= customers.first_month
    left join signs on signs.person_id = customers.person_id and signs.month_day = ends.month_day
    left join bought on bought.person_id = customers.person_id and bought.month_day = ends.month_day
    window so_far as (partition by customers.person_id order by ends.month_day)
),

known as (
    select
        grid.person_id,
        grid.month_day,
        grid.end_s,
        max(grid.last_sign_s) over so_far as last_sign_s,
        -- The mean of the gaps between the days so far.
        (max(grid.last_at_s) over so_far - min(grid.first_at_s) over so_far) / nullif(sum(grid.days) over so_far - 1, 0) as usual_gap_s,
        max(grid.last_gap_s) over (partition by grid.person_id, grid.gap_group) as last_gap_s
    from grid
    window so_far as (partition by grid.person_id order by grid.month_day)
),

judged as (
    select
        known.month_day,
        coalesce(person_stages.first_device, '(none)') as device_class,
        case
            when known.end_s - known.last_sign_s > 2e0 * coalesce(1.5e0 * known.usual_gap_s, settings.at_risk_days * 86400e0) then 'lapsed'
            when known.end_s - known.last_sign_s > coalesce(1.5e0 * known.usual_gap_s, settings.at_risk_days * 86400e0) then 'at risk'
            when known.last_gap_s > 2e0 * settings.at_risk_days * 86400e0 then 'won back'
            else 'active'
        end as state
    from known
    cross join settings
    left join person_stages on person_stages.person_id = known.person_id
)

select date_format(judged.month_day, '%Y-%m') as month, judged.state, judged.device_class, count(*) as customers
from judged
group by date_format(judged.month_day, '%Y-%m'), judged.state, judged.device_class
