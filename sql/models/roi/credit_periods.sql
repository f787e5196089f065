-- purpose: what each campaign and moment was credited with in each period
-- grain: one row per period, model, channel, campaign and moment
-- key: period, model, channel, campaign, moment
-- kept: table
-- published: no
select
    segment_periods.period,
    credit_by_campaign.model,
    credit_by_campaign.channel,
    credit_by_campaign.campaign,
    credit_by_campaign.moment,
    cast(sum(credit_by_campaign.leads) as decimal(18, 6)) as leads,
    cast(sum(credit_by_campaign.first_orders) as decimal(18, 6)) as first_orders,
    cast(sum(credit_by_campaign.orders) as decimal(18, 6)) as orders,
    cast(sum(credit_by_campaign.revenue) as decimal(18, 6)) as revenue,
    cast(sum(credit_by_campaign.margin) as decimal(18, 6)) as margin,
    max(case when credit_by_campaign.has_unknown_margin then 1 else 0 end) as has_unknown_margin
from credit_by_campaign
inner join segment_periods on segment_periods.segment = credit_by_campaign.segment
group by
    segment_periods.period,
    credit_by_campaign.model,
    credit_by_campaign.channel,
    credit_by_campaign.campaign,
    credit_by_campaign.moment
