-- purpose: the two models behind customer_value, and how far they were off on orders that they had not seen
-- grain: one row per cut: today, on which customer_value stands, and holdout, fitted on the first half of the orders' days
-- key: cut
-- kept: table
-- published: yes
-- columns:
--   cut: today or holdout
--   cut_day: the last day that the fit has seen
--   customers: customers that it is fitted on: those whose first order is in the data
--   repeat_customers: of them, those with an order on a later day
--   r: BG/NBD, shape of the rate of orders
--   alpha_weeks: BG/NBD, rate of it, in weeks
--   a: BG/NBD, first parameter of leaving; null where nobody is seen to leave
--   b: BG/NBD, second parameter of leaving; null where nobody is seen to leave
--   orders_log_likelihood: log-likelihood of BG/NBD
--   p: Gamma-Gamma, shape of a customer's orders
--   q: Gamma-Gamma, shape of the means over customers
--   v: Gamma-Gamma, scale of them, in the reporting currency
--   value_log_likelihood: log-likelihood of Gamma-Gamma
--   margin_kept: share of the positive margins that refunds and orders at a loss leave; a factor of expected value
--   horizon_days: days that are foretold
--   predicted_orders: days with an order foretold for all customers known by then
--   actual_orders: those that came; null for today
--   orders_error: predicted / actual - 1
--   predicted_margin: margin foretold for them
--   actual_margin: margin that came, less refunds; null for today, and where a part of it is unknown
--   margin_error: predicted / actual - 1
--   note: why there is no fit, of orders or of margins, or no P(alive)
with counted as (
    select
        value_counts.cut,
        cast(sum(value_counts.new_customers) as bigint) as customers,
        cast(sum(case when value_counts.frequency > 0 then value_counts.new_customers else 0 end) as bigint) as repeat_customers
    from value_counts
    group by value_counts.cut
),

foretold as (
    select
        value_predictions.cut,
        max(value_predictions.cut_day) as cut_day,
        max(value_predictions.horizon_days) as horizon_days,
        max(value_predictions.margin_kept) as margin_kept,
        -- Decimals have one sum in whatever order.
        cast(sum(cast(round(value_predictions.expected_orders, 9) as decimal(18, 9))) as double) as predicted_orders,
        sum(cast(round(value_predictions.expected_value, 6) as decimal(18, 6))) as predicted_margin,
        case when value_predictions.cut = 'holdout' then cast(sum(value_predictions.later_days) as bigint) end as actual_orders,
        case
            when value_predictions.cut = 'holdout' and sum(value_predictions.later_unknown) = 0 then
                cast(sum(value_predictions.later_margin) as decimal(18, 2))
        end as actual_margin
    from value_predictions
    group by value_predictions.cut
)

select
    foretold.cut,
    foretold.cut_day,
    counted.customers,
    counted.repeat_customers,
    value_parameters.r,
    value_parameters.alpha_weeks,
    case when value_parameters.sees_leaving then value_parameters.a end as a,
    case when value_parameters.sees_leaving then value_parameters.b end as b,
    value_parameters.orders_log_likelihood,
    value_parameters.p,
    value_parameters.q,
    value_parameters.v,
    value_parameters.value_log_likelihood,
    foretold.margin_kept,
    foretold.horizon_days,
    foretold.predicted_orders,
    foretold.actual_orders,
    foretold.predicted_orders / nullif(cast(foretold.actual_orders as double), 0e0) - 1e0 as orders_error,
    cast(foretold.predicted_margin as decimal(18, 2)) as predicted_margin,
    foretold.actual_margin,
    cast(foretold.predicted_margin as double) / nullif(cast(foretold.actual_margin as double), 0e0) - 1e0 as margin_error,
    value_parameters.note
from foretold
inner join counted on counted.cut = foretold.cut
inner join value_parameters on value_parameters.cut = foretold.cut
