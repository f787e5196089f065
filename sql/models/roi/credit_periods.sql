-- purpose: what each campaign and moment was credited with in each period, as channel_roi counts it
-- grain: one row per period, model, channel, campaign and moment
-- key: period, model, channel, campaign, moment
-- kept: table
-- published: no
with daily as (
    select
        credit_by_campaign.day,
        credit_by_campaign.model,
        credit_by_campaign.channel,
        credit_by_campaign.campaign,
        credit_by_campaign.moment,
        sum(case when credit_by_campaign.conversion_type = 'lead' then credit_by_campaign.conversions else cast(0 as decimal(18, 6)) end)
            as leads,
        sum(case when credit_by_campaign.conversion_type = 'first_order' then credit_by_campaign.conversions else cast(0 as decimal(18, 6)) end)
            as first_orders,
        sum(case when credit_by_campaign.conversion_type <> 'lead' then credit_by_campaign.conversions else cast(0 as decimal(18, 6)) end)
            as orders,
        sum(case when credit_by_campaign.conversion_type <> 'lead' then credit_by_campaign.revenue else cast(0 as decimal(18, 6)) end)
            as revenue,
        sum(
            case
                when credit_by_campaign.conversion_type <> 'lead' then coalesce(credit_by_campaign.margin, cast(0 as decimal(18, 6)))
                else cast(0 as decimal(18, 6))
            end
        ) as margin,
        max(case when credit_by_campaign.conversion_type <> 'lead' and credit_by_campaign.has_unknown_margin then 1 else 0 end)
            as has_unknown_margin
    from credit_by_campaign
    where credit_by_campaign.conversion_type in ('lead', 'first_order', 'repeat_order')
    group by
        credit_by_campaign.day,
        credit_by_campaign.model,
        credit_by_campaign.channel,
        credit_by_campaign.campaign,
        credit_by_campaign.moment
)

select
    period_days.period,
    daily.model,
    daily.channel,
    daily.campaign,
    daily.moment,
    cast(sum(daily.leads) as decimal(18, 6)) as leads,
    cast(sum(daily.first_orders) as decimal(18, 6)) as first_orders,
    cast(sum(daily.orders) as decimal(18, 6)) as orders,
    cast(sum(daily.revenue) as decimal(18, 6)) as revenue,
    cast(sum(daily.margin) as decimal(18, 6)) as margin,
    max(daily.has_unknown_margin) as has_unknown_margin
from daily
inner join period_days on period_days.day = daily.day
group by period_days.period, daily.model, daily.channel, daily.campaign, daily.moment
