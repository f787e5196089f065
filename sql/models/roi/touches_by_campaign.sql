-- purpose: how many touches each campaign had, by stretch of days and moment of the purchase
-- grain: one row per stretch of days, channel, source, campaign and moment
-- key: segment, channel, source, campaign, moment
-- kept: table
-- published: no
with summed as (
    select
        day_spans.from_day as segment,
        touch_days.channel,
        touch_days.source,
        touch_days.campaign,
        touch_days.stage,
        sum(touch_days.touches) as touches
    from touch_days
    inner join day_spans on day_spans.day = touch_days.touch_date
    group by day_spans.from_day, touch_days.channel, touch_days.source, touch_days.campaign, touch_days.stage
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
