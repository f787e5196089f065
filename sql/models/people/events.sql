-- purpose: every event that counts, once, with its person
-- grain: one row per event
-- key: source, event_id
-- kept: incremental
-- form: view
-- published: yes
-- partition: event_date month
-- columns:
--   source: the source that sent it
--   event_id: its id, unique within the source
--   event_type: what happened, by the Segment specs' name where they have one
--   person_id: whose it is; null where it carries no identifier
--   channel: the channel that it declares; null where it declares nothing
--   campaign: the campaign that it declares
--   device_class: desktop, mobile, tablet, tv, other, or offline
--   occurred_at: when it happened (UTC)
--   received_at: when it first came in (UTC)
--   event_date: the reporting day on which it happened
--   is_bot: sent by a machine; left out of every other table
--   has_consent: the person did not refuse analytics
--   raw_object: the raw object that holds it
select
    person_events.event_source as source,
    substr(person_events.event_key, length(person_events.event_source) + 2) as event_id,
    person_events.event_type,
    person_events.person_id,
    person_events.channel,
    person_events.campaign,
    person_events.device_class,
    person_events.occurred_at,
    person_events.received_at,
    person_events.event_date,
    person_events.is_bot,
    person_events.has_consent,
    person_events.raw_object
from person_events
