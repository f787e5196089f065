-- purpose: what the ad platforms claim for themselves, beside what we credit them with; never summed with ours
-- grain: one row per channel and month of which a platform tells
-- key: channel, month
-- kept: table
-- published: yes
-- columns:
--   channel: the channel
--   month: YYYY-MM
--   platform_conversions: conversions that the platforms claim, whatever each of them counts as one
--   our_conversions: orders that we credit the channel with, under the company's default model
--   ratio: platform / ours; null where we credit none
--   our_leads: leads that we credit the channel with, for platforms that count leads
--   platform_value: value that the platforms claim
--   our_revenue: revenue that we credit the channel with
with claimed as (
    select
        costs.channel,
        date_format(costs.cost_date, '%Y-%m') as month,
        cast(sum(cast(round(costs.platform_conversions * 1e6) as bigint)) as double) / 1e6 as conversions,
        sum(costs.platform_value) as worth
    from costs
    where costs.platform_conversions <> 0
        or costs.platform_value <> 0
    group by costs.channel, date_format(costs.cost_date, '%Y-%m')
),

ours as (
    select
        credit_by_campaign.channel,
        date_format(credit_by_campaign.segment, '%Y-%m') as month,
        sum(credit_by_campaign.orders) as orders,
        sum(credit_by_campaign.leads) as leads,
        sum(credit_by_campaign.revenue) as revenue
    from credit_by_campaign
    inner join settings on settings.default_model = credit_by_campaign.model
    group by credit_by_campaign.channel, date_format(credit_by_campaign.segment, '%Y-%m')
)

select
    claimed.channel,
    claimed.month,
    claimed.conversions as platform_conversions,
    cast(coalesce(ours.orders, cast(0 as decimal(18, 6))) as decimal(18, 6)) as our_conversions,
    claimed.conversions / nullif(cast(ours.orders as double), 0e0) as ratio,
    cast(coalesce(ours.leads, cast(0 as decimal(18, 6))) as decimal(18, 6)) as our_leads,
    cast(claimed.worth as decimal(18, 2)) as platform_value,
    cast(coalesce(ours.revenue, cast(0 as decimal(18, 6))) as decimal(18, 6)) as our_revenue
from claimed
left join ours on ours.channel = claimed.channel and ours.month = claimed.month
