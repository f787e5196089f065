-- purpose: the rate that stands on each day on which money of another currency occurred: the latest of the 7 days up to it
-- grain: one row per currency and day
-- key: currency, day
-- kept: table
-- published: no
-- A fixed cost that lies wholly outside the data needs none yet: next year's contract must not stop today's build.
with wanted as (
    select stg_events.money_currency as currency, stg_events.event_date as day
    from stg_events
    where stg_events.money_currency is not null
    union
    select stg_costs.currency, stg_costs.cost_date
    from stg_costs
    union
    select fixed_costs.currency, fixed_costs.from_date
    from fixed_costs
    cross join horizon
    where fixed_costs.from_date <= horizon.as_of_day
        and fixed_costs.to_date >= horizon.first_day
)

select
    wanted.currency,
    wanted.day,
    case
        when wanted.currency = max(settings.currency) then 1e0
        else max_by(fx_rates.rate, fx_rates.rate_date) filter (where fx_rates.rate_date is not null)
    end as rate
from wanted
cross join settings
left join fx_rates
    on fx_rates.currency = wanted.currency
    and fx_rates.rate_date <= wanted.day
    and fx_rates.rate_date >= date_add('day', -7, wanted.day)
group by wanted.currency, wanted.day
