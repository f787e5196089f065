-- purpose: what each campaign cost, by stretch of days; fixed costs, which no campaign is charged with, apart
-- grain: one row per stretch of days, channel, source and campaign
-- key: segment, channel, source, campaign
-- kept: table
-- published: no
with spent as (
    select
        costs.cost_date as day,
        costs.channel,
        lower(costs.source) as source,
        coalesce(nullif(costs.campaign, ''), nullif(costs.campaign_id, ''), '(not set)') as campaign,
        costs.spend
    from costs
    union all
    select spend_daily.day, spend_daily.channel, '', '(fixed costs)', spend_daily.spend
    from spend_daily
    where spend_daily.kind = 'fixed'
)

select
    day_spans.from_day as segment,
    spent.channel,
    spent.source,
    spent.campaign,
    cast(sum(spent.spend) as decimal(18, 2)) as spend
from spent
inner join day_spans on day_spans.day = spent.day
group by day_spans.from_day, spent.channel, spent.source, spent.campaign
