-- purpose: what is expected of each customer over the horizon of a cut, beside what came of it where that is known
-- grain: one row per cut and customer
-- key: cut, person_id
-- kept: table
-- published: no
-- BG/NBD and Gamma-Gamma in closed form, docs/definitions.md section 8; only the share that needs a series comes from a
-- solver. Refunds and orders at a loss are none of Gamma-Gamma's: margin_kept is what they leave of the positive margins.
with kept as (
    select
        cuts.cut,
        cast(sum(case when person_conversions.conversion_date <= cuts.cut_day then person_conversions.margin end) as double)
        / nullif(
            cast(
                sum(
                    case
                        when person_conversions.conversion_date <= cuts.cut_day and person_conversions.margin > 0
                            then person_conversions.margin
                    end
                )
                as double
            ),
            0e0
        ) as margin_kept
    from person_conversions
    cross join (select distinct value_customers.cut, value_customers.cut_day from value_customers) as cuts
    where person_conversions.conversion_type in ('first_order', 'repeat_order')
    group by cuts.cut
),

alive as (
    select
        value_customers.*,
        kept.margin_kept,
        value_parameters.p,
        value_parameters.q,
        value_parameters.v,
        value_parameters.sees_leaving,
        value_expectations.orders_if_alive,
        case
            when value_customers.frequency = 0 then 1e0
            else
                1e0
                / (
                    1e0
                    + value_parameters.a / (value_parameters.b + value_customers.frequency - 1)
                    * exp(
                        least(
                            700e0,
                            (value_parameters.r + value_customers.frequency)
                            * ln(
                                (value_parameters.alpha_weeks + value_customers.age_days / 7e0)
                                / (value_parameters.alpha_weeks + value_customers.recency_days / 7e0)
                            )
                        )
                    )
                )
        end as p_alive
    from value_customers
    inner join value_parameters on value_parameters.cut = value_customers.cut
    inner join kept on kept.cut = value_customers.cut
    left join value_expectations
        on value_expectations.cut = value_customers.cut
        and value_expectations.frequency = value_customers.frequency
        and value_expectations.age_days = value_customers.age_days
)

select
    alive.cut,
    alive.cut_day,
    alive.horizon_days,
    alive.person_id,
    alive.frequency,
    alive.recency_days,
    alive.age_days,
    case when alive.frequency > 0 and alive.orders_if_alive is not null and alive.sees_leaving then alive.p_alive end as p_alive,
    alive.p_alive * alive.orders_if_alive as expected_orders,
    alive.p_alive * alive.orders_if_alive * alive.margin_kept
    * alive.p * (alive.v + alive.paying_days * coalesce(alive.mean_margin, 0e0)) / (alive.p * alive.paying_days + alive.q - 1e0)
        as expected_value,
    alive.margin_kept,
    alive.later_days,
    alive.later_margin,
    alive.later_unknown
from alive
