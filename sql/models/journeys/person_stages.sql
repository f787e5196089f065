-- purpose: what the later models need of each person in one row: stage instants, first channel and device, milestones
-- grain: one row per person with a touch or a stage
-- key: person_id
-- kept: table
-- published: no
with entered as (
    select
        stage_times.person_id,
        max(case when stage_times.stage_no = 2 then stage_times.entered_s end) as acquisition_s,
        max(case when stage_times.stage_no = 3 then stage_times.entered_s end) as conversion_s,
        max(case when stage_times.stage_no = 4 then stage_times.entered_s end) as retention_s,
        max(case when stage_times.stage_no = 5 then stage_times.entered_s end) as loyalty_s,
        max(stage_times.stage_no) as stage_no
    from stage_times
    group by stage_times.person_id
),

leads as (
    select
        stage_triggers.person_id,
        min(stage_triggers.occurred_at) as lead_at,
        min(stage_triggers.at_s) as lead_s
    from stage_triggers
    where stage_triggers.stage_no = 2
    group by stage_triggers.person_id
),

opportunities as (
    select person_events.person_id, min(person_events.at_s) as opportunity_s
    from person_events
    where person_events.event_type = 'Opportunity Created'
        and not person_events.is_bot
    group by person_events.person_id
)

select
    entered.person_id,
    entered.stage_no,
    entered.acquisition_s,
    entered.conversion_s,
    entered.retention_s,
    entered.loyalty_s,
    leads.lead_at,
    leads.lead_s,
    opportunities.opportunity_s,
    coalesce(first_touches.channel, '(unattributed)') as first_channel,
    coalesce(first_touches.device_class, '(none)') as first_device,
    mod(from_base(substr(to_hex(sha256(to_utf8(entered.person_id))), 1, 8), 16), 256) as bucket
from entered
left join leads on leads.person_id = entered.person_id
left join opportunities on opportunities.person_id = entered.person_id
left join first_touches on first_touches.person_id = entered.person_id
