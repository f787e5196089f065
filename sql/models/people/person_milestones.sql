-- purpose: of the events with their person, those that orders, conversions, stages, referrals and answers are made of
-- grain: one row per event
-- key: event_key
-- kept: table
-- published: no
-- A tenth of a shop's events. What is made of them reads this several times over, and would else read all events as often.
select person_events.*
from person_events
inner join milestone_types on milestone_types.event_type = person_events.event_type
