-- purpose: when each person entered each stage; a later stage pulls the earlier ones with it, flagged as inferred
-- grain: one row per person and stage entered
-- key: person_id, stage_no
-- kept: table
-- published: no
-- entered_at(k) = the least trigger of stage k and of all later stages; inferred where that is earlier than k's own, or was told and not seen.
-- Retention and loyalty ask for a first order or a won opportunity before them.
with ranked as (
    select
        stage_triggers.*,
        row_number() over (
            partition by stage_triggers.person_id, stage_triggers.stage_no
            order by stage_triggers.occurred_at, stage_triggers.event_key
        ) as trigger_no
    from stage_triggers
),

own as (
    select
        ranked.person_id,
        ranked.stage_no,
        ranked.event_key,
        ranked.occurred_at,
        ranked.event_date,
        ranked.at_s,
        ranked.is_seen
    from ranked
    where ranked.trigger_no = 1
),

pulled as (
    select
        stages.stage_no,
        stages.stage,
        own.person_id,
        own.stage_no as trigger_stage_no,
        own.is_seen,
        own.event_key,
        own.occurred_at,
        own.event_date,
        own.at_s,
        row_number() over (
            partition by own.person_id, stages.stage_no
            order by own.occurred_at, own.stage_no, own.event_key
        ) as pull_no
    from own
    inner join stages on stages.stage_no <= own.stage_no
)

select
    pulled.person_id,
    pulled.stage_no,
    pulled.stage,
    pulled.event_key as trigger_event_id,
    pulled.trigger_stage_no > pulled.stage_no or not pulled.is_seen as is_inferred,
    pulled.event_date as entered_date,
    pulled.occurred_at as entered_at,
    pulled.at_s as entered_s
from pulled
where pulled.pull_no = 1
