-- purpose: every valued outcome; a refund is one more, negative, dated at the refund
-- grain: one row per conversion
-- key: conversion_id
-- kept: incremental
-- form: view
-- published: yes
-- partition: conversion_date month
-- columns:
--   conversion_id: made from the order's or the event's id
--   conversion_type: lead, opportunity, first_order, repeat_order, referral, or one of the company's own
--   person_id: whose it is
--   occurred_at: when (UTC)
--   conversion_date: the reporting day
--   order_id: the order, for orders and refunds
--   revenue: net of VAT, discounts and shipping, in the reporting currency
--   margin: revenue less cost of goods; null where unknown
--   margin_is_estimated: it comes from the default margin rate, or from the order's proportion for a refund
--   touches_in_window: touches that share its credit; 0 is unattributed
select
    conversion_facts.conversion_id,
    conversion_facts.conversion_type,
    conversion_facts.person_id,
    conversion_facts.occurred_at,
    conversion_facts.conversion_date,
    conversion_facts.order_id,
    conversion_facts.revenue,
    conversion_facts.margin,
    conversion_facts.margin_is_estimated,
    coalesce(windows.touches, refund_touches.touches, 0) as touches_in_window
from conversion_facts
left join windows on windows.conversion_id = conversion_facts.conversion_id
left join refund_touches on refund_touches.conversion_id = conversion_facts.conversion_id
