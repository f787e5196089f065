-- purpose: how many touches each source and campaign had on each day
-- grain: one row per day, channel, source, campaign and stage
-- key: touch_date, channel, source, campaign, stage
-- kept: incremental
-- partition: touch_date month
-- published: no
select
    touch_facts.touch_date,
    touch_facts.channel,
    touch_facts.source,
    touch_facts.campaign,
    touch_facts.stage,
    count(*) as touches
from touch_facts
group by touch_facts.touch_date, touch_facts.channel, touch_facts.source, touch_facts.campaign, touch_facts.stage
