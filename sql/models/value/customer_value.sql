-- purpose: what each customer has brought, and is expected to bring in the next 12 months (BG/NBD and Gamma-Gamma)
-- grain: one row per customer
-- key: person_id
-- kept: table
-- published: yes
-- columns:
--   person_id: the customer
--   frequency: days with an order after the first
--   recency_days: days from the first order to the last
--   age_days: days from the first order to the last whole day
--   p_alive: probability that the customer still buys; null where there was no repeat, where nobody is seen to leave, or where value_fit has no fit
--   expected_orders_12m: days with an order expected in the next 365; null where value_fit has no fit
--   expected_value_12m: the margin expected of them, not discounted; null where value_fit has no fit
--   observed_margin: margin of all orders so far, less refunds; null where a part of it is unknown
select
    value_predictions.person_id,
    value_predictions.frequency,
    value_predictions.recency_days,
    value_predictions.age_days,
    value_predictions.p_alive,
    value_predictions.expected_orders as expected_orders_12m,
    cast(round(value_predictions.expected_value, 2) as decimal(18, 2)) as expected_value_12m,
    persons.margin as observed_margin
from value_predictions
inner join persons on persons.person_id = value_predictions.person_id
where value_predictions.cut = 'today'
