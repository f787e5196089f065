-- purpose: how many customers have the same history of orders: all that BG/NBD is fitted on
-- grain: one row per cut, frequency, recency and age
-- key: cut, frequency, recency_days, age_days
-- kept: table
-- published: no
-- New customers are fitted on; a row of old ones alone is there for its forecast.
select
    value_customers.cut,
    value_customers.horizon_days,
    value_customers.frequency,
    value_customers.recency_days,
    value_customers.age_days,
    count(case when value_customers.is_new then 1 end) as new_customers
from value_customers
group by
    value_customers.cut, value_customers.horizon_days, value_customers.frequency, value_customers.recency_days, value_customers.age_days
