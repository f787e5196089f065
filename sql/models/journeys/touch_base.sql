-- purpose: every contact of a person with the company, numbered per person, so that a path is a range of numbers
-- grain: one row per touch
-- key: touch_id
-- kept: table
-- published: no
-- A click or call within the session gap of a session of the same person and channel is that session's touch.
with contacts as (
    select
        person_events.event_key as touch_id,
        person_events.person_id,
        person_events.owner,
        case when person_events.event_type = 'Email Clicked' then 'email_click' else 'contact' end as touch_type,
        coalesce(
            person_events.channel,
            case when person_events.event_type = 'Email Clicked' then 'Email' else 'Unassigned' end
        ) as channel,
        person_events.source,
        person_events.medium,
        person_events.campaign,
        person_events.device_class,
        person_events.event_date as touch_date,
        person_events.occurred_at,
        person_events.at_s
    from person_events
    where person_events.event_type in ('Contact', 'Email Clicked')
        and not person_events.is_bot
        and person_events.person_id is not null
),

in_a_session as (
    select distinct contacts.touch_id
    from contacts
    cross join settings
    inner join session_facts
        on session_facts.person_id = contacts.person_id
        and session_facts.channel = contacts.channel
        and to_unixtime(session_facts.started_at) - settings.session_gap_seconds - 0.0005e0 <= contacts.at_s
        and to_unixtime(session_facts.ended_at) + settings.session_gap_seconds + 0.0005e0 >= contacts.at_s
),

all_touches as (
    select
        session_facts.session_id as touch_id,
        session_facts.person_id,
        session_facts.owner,
        'session' as touch_type,
        session_facts.channel,
        session_facts.source,
        session_facts.medium,
        session_facts.campaign,
        session_facts.device_class,
        session_facts.started_date as touch_date,
        session_facts.started_at as occurred_at,
        to_unixtime(session_facts.started_at) as at_s
    from session_facts
    union all
    select contacts.*
    from contacts
    where contacts.touch_id not in (select in_a_session.touch_id from in_a_session)
)

select
    all_touches.*,
    row_number() over (
        partition by all_touches.person_id
        order by all_touches.occurred_at, all_touches.touch_id
    ) as seq
from all_touches
