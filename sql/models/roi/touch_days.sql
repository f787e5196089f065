-- purpose: how many touches each campaign had each day, by moment of the purchase
-- grain: one row per day, channel, source, campaign and moment
-- key: day, channel, source, campaign, moment
-- kept: table
-- published: no
select
    touches.touch_date as day,
    touches.channel,
    coalesce(touches.source, '') as source,
    coalesce(campaign_names.campaign, nullif(touches.campaign, ''), '(not set)') as campaign,
    moments.moment,
    count(*) as touches
from touches
inner join moments on moments.stage = touches.stage
left join campaign_names on campaign_names.campaign_id = touches.campaign
group by
    touches.touch_date,
    touches.channel,
    coalesce(touches.source, ''),
    coalesce(campaign_names.campaign, nullif(touches.campaign, ''), '(not set)'),
    moments.moment
