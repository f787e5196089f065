-- purpose: every contact of a person with the company, with the stage in which the person stood before it
-- grain: one row per touch
-- key: touch_id
-- kept: table
-- published: yes
-- partition: touch_date month
-- columns:
--   touch_id: source and id of the event that made it
--   person_id: whose it is
--   occurred_at: when (UTC)
--   touch_date: the reporting day
--   touch_type: session, contact or email_click
--   channel: the channel
--   source: the traffic's source, where declared
--   medium: the traffic's medium, where declared
--   campaign: the campaign, where declared
--   device_class: the device, or offline
--   stage: the highest stage entered strictly before it, else awareness
select
    touch_base.touch_id,
    touch_base.person_id,
    touch_base.occurred_at,
    touch_base.touch_date,
    touch_base.touch_type,
    touch_base.channel,
    touch_base.source,
    touch_base.medium,
    touch_base.campaign,
    touch_base.device_class,
    case
        when touch_base.at_s > person_stages.loyalty_s then 'loyalty'
        when touch_base.at_s > person_stages.retention_s then 'retention'
        when touch_base.at_s > person_stages.conversion_s then 'conversion'
        when touch_base.at_s > person_stages.acquisition_s then 'acquisition'
        else 'awareness'
    end as stage
from touch_base
inner join person_stages on person_stages.person_id = touch_base.person_id
