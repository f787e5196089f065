-- purpose: when each person entered each stage of the customer's life, and by what
-- grain: one row per person and stage entered
-- key: person_id, stage
-- kept: table
-- published: yes
-- columns:
--   person_id: the person
--   stage: awareness, acquisition, conversion, retention or loyalty
--   entered_at: when (UTC)
--   is_inferred: a later stage pulled it: skipped, or told of later than what follows it
--   channel: channel of the person's first touch
--   device_class: device of the person's first touch
--   trigger_event_id: source and id of the event that did it
select
    stage_times.person_id,
    stage_times.stage,
    stage_times.entered_at,
    stage_times.is_inferred,
    person_stages.first_channel as channel,
    person_stages.first_device as device_class,
    stage_times.trigger_event_id
from stage_times
inner join person_stages on person_stages.person_id = stage_times.person_id
