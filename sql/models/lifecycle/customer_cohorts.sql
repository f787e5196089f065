-- purpose: the one cohort of each new customer: month of the first order, and the channel and device that won it
-- grain: one row per customer whose first order is in the ledger
-- key: person_id
-- kept: table
-- published: no
-- The channel is that of the first order's last non-direct touch, which last_non_direct credits with the whole of it.
select
    orders.person_id,
    date_trunc('month', orders.event_date) as cohort_month,
    coalesce(touch_base.channel, '(unattributed)') as channel,
    coalesce(touch_base.device_class, '(none)') as device_class
from orders
left join windows on windows.conversion_id = 'order/' || orders.order_key
left join touch_base
    on touch_base.person_id = windows.person_id
    and touch_base.seq = coalesce(windows.last_non_direct_seq, windows.last_seq)
where orders.is_first
