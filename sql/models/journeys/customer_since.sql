-- purpose: since when the CRM knows each person as a customer
-- grain: one row per person of whom it says so
-- key: person_id
-- kept: table
-- published: no
-- The day begins in the company's time zone. The record is the one with the earliest day.
with told as (
    select
        person_events.person_id,
        min(person_events.customer_since) as customer_since,
        substr(min(cast(person_events.customer_since as varchar) || person_events.event_key), 11) as event_key
    from person_events
    where person_events.customer_since is not null
        and person_events.person_id is not null
    group by person_events.person_id
)

select
    told.person_id,
    told.customer_since,
    told.event_key,
    to_unixtime(with_timezone(cast(told.customer_since as timestamp(6)), 'Europe/Rome' /* time zone */)) as since_s
from told
