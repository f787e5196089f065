-- purpose: every contact of a person with the company, with the stage in which the person stood before it
-- grain: one row per touch
-- key: touch_id
-- kept: incremental
-- form: view
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
    touch_facts.touch_id,
    touch_facts.person_id,
    touch_facts.occurred_at,
    touch_facts.touch_date,
    touch_facts.touch_type,
    touch_facts.channel,
    touch_facts.source,
    touch_facts.medium,
    touch_facts.campaign,
    touch_facts.device_class,
    touch_facts.stage
from touch_facts
