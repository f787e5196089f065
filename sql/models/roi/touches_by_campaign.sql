-- purpose: how many touches each campaign had, by stretch of days and moment of the purchase
-- grain: one row per stretch of days, channel, source, campaign and moment
-- key: segment, channel, source, campaign, moment
-- kept: table
-- published: no
with summed as (
    select
        day_spans.from_day as segment,
        touches.channel,
        touches.source,
        touches.campaign,
        touches.stage,
        count(*) as touches
    from touches
    inner join day_spans on day_spans.day = touches.touch_date
    group by day_spans.from_day, touches.channel, touches.source, touches.campaign, touches.stage
)

select
    summed.segment,
    summed.channel,
    coalesce(summed.source, '') as source,
    coalesce(campaign_names.campaign, nullif(summed.campaign, ''), '(not set)') as campaign,
    moments.moment,
    cast(sum(summed.touches) as bigint) as touches
from summed
inner join moments on moments.stage = summed.stage
left join campaign_names on campaign_names.campaign_id = summed.campaign
group by
    summed.segment,
    summed.channel,
    coalesce(summed.source, ''),
    coalesce(campaign_names.campaign, nullif(summed.campaign, ''), '(not set)'),
    moments.moment
