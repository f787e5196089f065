-- purpose: which survey each answer belongs to, as its newest version says
-- grain: one row per answer
-- key: event_key
-- kept: table
-- published: no
select
    raw_events.source || '/' || raw_events.event_id as event_key,
    max_by(
        coalesce(nullif(lower(trim(raw_events.feedback_kind)), ''), 'survey'),
        coalesce(raw_events.updated_at, raw_events.occurred_at) || '|' || coalesce(raw_events.feedback_kind, '')
    ) as kind
from raw_events
where raw_events.event_type = 'Feedback Given'
group by raw_events.source || '/' || raw_events.event_id
