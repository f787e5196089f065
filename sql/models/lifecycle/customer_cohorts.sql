-- purpose: the one cohort of each new customer: month of the first order, and the channel and device that won it
-- grain: one row per customer whose first order is in the ledger
-- key: person_id
-- kept: table
-- published: no
-- The channel is that of the first order's last non-direct touch, which last_non_direct credits with the whole of it: of a closed
-- day as its books have it, since a daily build makes no path of it anew.
select
    orders.person_id,
    date_trunc('month', orders.event_date) as cohort_month,
    coalesce(credit_touches.channel, '(unattributed)') as channel,
    coalesce(credit_touches.device_class, '(none)') as device_class
from orders
left join credit_touches
    on credit_touches.conversion_id = 'order/' || orders.order_key
    and credit_touches.last_non_direct_weight > 0e0
where orders.is_first
