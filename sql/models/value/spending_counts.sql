-- purpose: how many customers have as many repeat orders of about the same mean margin: all that Gamma-Gamma is fitted on
-- grain: one row per cut, number of days with a positive margin, and thousandth of the mean margin's logarithm
-- key: cut, orders, step
-- kept: table
-- published: no
-- Means that differ by less than a thousandth share a row, with the mean of them and of their logarithms: the rows stay
-- few however many customers there are, and what is lost is a square of that thousandth. Both are summed as whole numbers, which have
-- one sum in whatever order: a fit ends elsewhere, if ever so little, where its input differs in its last bits.
select
    stepped.cut,
    stepped.orders,
    stepped.step,
    sum(stepped.millionths) / 1e6 / count(*) as mean_margin,
    sum(stepped.log_billionths) / 1e9 / count(*) as log_margin,
    count(*) as customers
from (
    select
        value_customers.cut,
        value_customers.paying_days as orders,
        round(1e6 * value_customers.mean_margin) as millionths,
        round(1e9 * ln(value_customers.mean_margin)) as log_billionths,
        cast(round(1000e0 * ln(value_customers.mean_margin)) as bigint) as step
    from value_customers
    where value_customers.is_new
        and value_customers.paying_days > 0
) as stepped
group by stepped.cut, stepped.orders, stepped.step
