-- purpose: credit by day, campaign and moment of the purchase: all that the tables of money read of it
-- grain: one row per day, model, conversion type, channel, campaign and moment
-- key: day, model, conversion_type, channel, campaign, moment
-- kept: table
-- published: no
-- What no touch earned stands on channel, campaign and moment (unattributed); a touch without a campaign on (not set).
with summed as (
    select
        credit.conversion_date as day,
        credit.model,
        credit.conversion_type,
        credit.channel,
        credit.campaign,
        credit.stage,
        sum(credit.conversions) as conversions,
        sum(credit.revenue) as revenue,
        sum(credit.margin) as margin,
        count(*) - count(credit.margin) as unknown_margins
    from credit
    group by
        credit.conversion_date, credit.model, credit.conversion_type, credit.channel, credit.campaign, credit.stage
),

named as (
    select
        summed.*,
        coalesce(moments.moment, '(unattributed)') as moment,
        case
            when summed.channel = '(unattributed)' then '(unattributed)'
            else coalesce(campaign_names.campaign, nullif(summed.campaign, ''), '(not set)')
        end as shown_campaign
    from summed
    left join moments on moments.stage = summed.stage
    left join campaign_names on campaign_names.campaign_id = summed.campaign
)

select
    named.day,
    named.model,
    named.conversion_type,
    named.channel,
    named.shown_campaign as campaign,
    named.moment,
    cast(sum(named.conversions) as decimal(18, 6)) as conversions,
    cast(sum(named.revenue) as decimal(18, 6)) as revenue,
    cast(sum(named.margin) as decimal(18, 6)) as margin,
    sum(named.unknown_margins) > 0 as has_unknown_margin
from named
group by named.day, named.model, named.conversion_type, named.channel, named.shown_campaign, named.moment
