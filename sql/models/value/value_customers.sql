-- purpose: what each customer's orders say of the orders to come, today and half way through, where the other half can tell
-- grain: one row per cut (today, holdout) and customer
-- key: cut, person_id
-- kept: table
-- published: no
-- Orders of one day are one. The hold-out ends half way from the first order's day to the last whole day; what came after
-- it is set beside what is foretold. A customer older than the data has a forecast and is in no fit.
with order_days as (
    select
        orders.person_id,
        orders.event_date as day,
        max(case when orders.is_first then 1 else 0 end) as has_first,
        case when count(orders.margin) = count(*) then sum(orders.margin) end as margin
    from orders
    where orders.is_named
    group by orders.person_id, orders.event_date
),

customers as (
    select order_days.person_id, min(order_days.day) as first_day, max(order_days.has_first) = 1 as is_new
    from order_days
    group by order_days.person_id
),

halves as (
    select
        date_add(
            'day', (date_diff('day', min(customers.first_day), max(horizon.as_of_day)) + 1) / 2, min(customers.first_day)
        ) as day_after
    from customers
    cross join horizon
),

cuts as (
    select 'today' as cut, horizon.as_of_day as cut_day, cast(365 as bigint) as horizon_days
    from horizon
    union all
    select
        'holdout',
        date_add('day', -1, halves.day_after),
        date_diff('day', halves.day_after, horizon.as_of_day) + 1
    from halves
    cross join horizon
    where halves.day_after is not null
),

brought as (
    select
        person_conversions.person_id,
        person_conversions.conversion_date as day,
        sum(person_conversions.margin) as margin,
        count(*) - count(person_conversions.margin) as unknown_margins
    from person_conversions
    where person_conversions.conversion_type in ('first_order', 'repeat_order')
    group by person_conversions.person_id, person_conversions.conversion_date
),

brought_later as (
    select cuts.cut, brought.person_id, sum(brought.margin) as margin, cast(sum(brought.unknown_margins) as bigint) as unknown_margins
    from brought
    inner join cuts on brought.day > cuts.cut_day
    group by cuts.cut, brought.person_id
),

histories as (
    select
        cuts.cut,
        cuts.cut_day,
        cuts.horizon_days,
        customers.person_id,
        customers.first_day,
        customers.is_new,
        max(case when order_days.day <= cuts.cut_day then order_days.day end) as last_day,
        count(case when order_days.day <= cuts.cut_day then 1 end) - 1 as frequency,
        count(case when order_days.day <= cuts.cut_day and order_days.day > customers.first_day and order_days.margin > 0 then 1 end)
            as paying_days,
        sum(case when order_days.day <= cuts.cut_day and order_days.day > customers.first_day and order_days.margin > 0 then order_days.margin end)
            as paid_margin,
        count(case when order_days.day > cuts.cut_day then 1 end) as later_days
    from customers
    inner join order_days on order_days.person_id = customers.person_id
    inner join cuts on cuts.cut_day >= customers.first_day
    group by
        cuts.cut, cuts.cut_day, cuts.horizon_days, customers.person_id, customers.first_day, customers.is_new
)

select
    histories.cut,
    histories.cut_day,
    histories.horizon_days,
    histories.person_id,
    histories.is_new,
    histories.frequency,
    date_diff('day', histories.first_day, histories.last_day) as recency_days,
    date_diff('day', histories.first_day, histories.cut_day) as age_days,
    histories.paying_days,
    cast(histories.paid_margin as double) / histories.paying_days as mean_margin,
    histories.later_days,
    coalesce(brought_later.margin, cast(0 as decimal(18, 2))) as later_margin,
    coalesce(brought_later.unknown_margins, 0) as later_unknown
from histories
left join brought_later
    on brought_later.cut = histories.cut
    and brought_later.person_id = histories.person_id
