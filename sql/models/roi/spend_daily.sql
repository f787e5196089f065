-- purpose: what each channel cost each day: media, and fixed costs spread evenly over the days that they cover
-- grain: one row per day, channel and kind of spend
-- key: day, channel, kind
-- kept: table
-- published: yes
-- columns:
--   day: the day
--   channel: the channel
--   kind: media or fixed
--   spend: spend in the reporting currency
--   clicks: clicks, of media
--   impressions: impressions, of media
-- Fixed costs are cut on running totals, so that the days of a cost add up to it to the cent. In another currency the whole of it
-- counts at the rate of its first day.
with fixed_days as (
    select
        fixed_costs.channel,
        fixed_day.day,
        round(
            cast(fixed_costs.amount as double) * fx_days.rate
            * (date_diff('day', fixed_costs.from_date, fixed_day.day) + 1)
            / cast(date_diff('day', fixed_costs.from_date, fixed_costs.to_date) + 1 as double),
            2
        )
        - round(
            cast(fixed_costs.amount as double) * fx_days.rate
            * date_diff('day', fixed_costs.from_date, fixed_day.day)
            / cast(date_diff('day', fixed_costs.from_date, fixed_costs.to_date) + 1 as double),
            2
        ) as spend
    from fixed_costs
    left join fx_days on fx_days.currency = fixed_costs.currency and fx_days.day = fixed_costs.from_date
    inner join calendar as fixed_day on fixed_day.day between fixed_costs.from_date and fixed_costs.to_date
)

select
    costs.cost_date as day,
    costs.channel,
    'media' as kind,
    cast(sum(costs.spend) as decimal(18, 2)) as spend,
    cast(sum(costs.clicks) as bigint) as clicks,
    cast(sum(costs.impressions) as bigint) as impressions
from costs
group by costs.cost_date, costs.channel
union all
select
    fixed_days.day,
    fixed_days.channel,
    'fixed',
    cast(sum(cast(round(fixed_days.spend, 2) as decimal(18, 2))) as decimal(18, 2)),
    cast(0 as bigint),
    cast(0 as bigint)
from fixed_days
group by fixed_days.day, fixed_days.channel
