-- purpose: visits: page and screen views of one person on one device without a pause, and without another declared source
-- grain: one row per session
-- key: session_id
-- kept: incremental
-- form: view
-- published: yes
-- partition: started_at month
-- columns:
--   session_id: source and id of the session's first event
--   person_id: whose it is
--   started_at: its first view (UTC)
--   ended_at: its last view (UTC)
--   channel: the channel by which it began; Direct where nothing was declared
--   source: the source by which it began
--   medium: its medium
--   campaign: its campaign
--   device_class: the device
--   landing_page: the first page
--   events: views in it
--   is_bounce: it had one view only
select
    session_facts.session_id,
    session_facts.person_id,
    session_facts.started_at,
    session_facts.ended_at,
    session_facts.channel,
    session_facts.source,
    session_facts.medium,
    session_facts.campaign,
    session_facts.device_class,
    session_facts.landing_page,
    session_facts.events,
    session_facts.is_bounce
from session_facts
