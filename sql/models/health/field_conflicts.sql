-- purpose: orders of which several places told, with different values: what was kept, and what another said
-- grain: one row per order and field in which its copies differ
-- key: order_id, field
-- kept: table
-- published: yes
-- columns:
--   order_id: the order's id
--   field: revenue, margin (both in the reporting currency, net) or occurred_day
--   kept_value: what counts: the most trusted source's value, the earliest day
--   kept_source: the source that said so
--   other_value: what the most trusted of the others said that differs
--   other_source: the source that said that
-- A copy that does not say a field differs from none. A browser's copy gives no day.
with copies as (
    select
        person_milestones.order_id,
        person_milestones.event_source,
        person_milestones.trust,
        person_milestones.revenue,
        person_milestones.margin,
        person_milestones.event_date,
        row_number() over (
            partition by person_milestones.order_id
            order by
                case when person_milestones.trust = 'browser' then 1 else 0 end,
                case when person_milestones.revenue is null then 1 else 0 end,
                person_milestones.source_trust,
                person_milestones.event_source,
                person_milestones.occurred_at,
                person_milestones.event_key
        ) as copy_no,
        row_number() over (
            partition by person_milestones.order_id
            order by
                case when person_milestones.trust = 'browser' then 1 else 0 end,
                person_milestones.occurred_at,
                person_milestones.source_trust,
                person_milestones.event_source,
                person_milestones.event_key
        ) as time_no
    from person_milestones
    where person_milestones.event_type = 'Order Completed'
        and person_milestones.order_id is not null
        and not person_milestones.is_bot
),

told as (
    select
        copies.order_id,
        'revenue' as field,
        cast(copies.revenue as varchar) as told_value,
        copies.event_source,
        copies.copy_no,
        copies.copy_no as rank_no,
        copies.trust
    from copies
    where copies.revenue is not null
    union all
    select
        copies.order_id, 'margin', cast(copies.margin as varchar), copies.event_source, copies.copy_no, copies.copy_no,
        copies.trust
    from copies
    where copies.margin is not null
    union all
    select
        copies.order_id, 'occurred_day', cast(copies.event_date as varchar), copies.event_source, copies.copy_no,
        copies.time_no, copies.trust
    from copies
    where copies.trust <> 'browser'
),

kept as (
    select told.order_id, told.field, told.told_value, told.event_source
    from told
    where told.rank_no = 1
        and told.trust <> 'browser'
),

differing as (
    select
        kept.order_id,
        kept.field,
        kept.told_value as kept_value,
        kept.event_source as kept_source,
        told.told_value as other_value,
        told.event_source as other_source,
        row_number() over (partition by kept.order_id, kept.field order by told.copy_no) as other_no
    from kept
    inner join told
        on told.order_id = kept.order_id
        and told.field = kept.field
        and told.told_value <> kept.told_value
)

select
    differing.order_id,
    differing.field,
    differing.kept_value,
    differing.kept_source,
    differing.other_value,
    differing.other_source
from differing
where differing.other_no = 1
