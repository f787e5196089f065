-- purpose: every valued outcome, and every refund as one more row, negative, that points at the order it undoes
-- grain: one row per conversion or refund
-- key: conversion_id
-- kept: table
-- published: no
-- A bucket is of the person, who may have no stage and no touch yet: as in person_stages.
-- By today's identity, of all days: what is told of persons is made of it. The ledger of closed days is conversion_facts.
with leads as (
    select stage_triggers.*
    from (
        select
            stage_triggers.*,
            row_number() over (
                partition by stage_triggers.person_id
                order by stage_triggers.occurred_at, stage_triggers.event_key
            ) as lead_no
        from stage_triggers
        where stage_triggers.stage_no = 2
    ) as stage_triggers
    where stage_triggers.lead_no = 1
),

by_rule as (
    select
        person_milestones.*,
        conversion_rules.conversion_type,
        case
            when conversion_types.is_built_in then cast(0 as decimal(18, 2))
            else coalesce(person_milestones.revenue, conversion_rules.value)
        end as worth
    from person_milestones
    inner join conversion_rules on conversion_rules.event_type = person_milestones.event_type
    inner join conversion_types on conversion_types.conversion_type = conversion_rules.conversion_type
    where conversion_rules.conversion_type <> 'lead'
        and not person_milestones.is_bot
        and person_milestones.person_id is not null
        and (person_milestones.trust <> 'browser' or conversion_types.is_built_in = false)
),

base as (
    select
        'lead/' || leads.event_key as conversion_id,
        'lead' as conversion_type,
        leads.person_id,
        cast(null as varchar) as order_id,
        cast(0 as decimal(18, 2)) as revenue,
        cast(0 as decimal(18, 2)) as margin,
        false as margin_is_estimated,
        true as in_ledger,
        leads.event_date as conversion_date,
        leads.occurred_at,
        leads.at_s
    from leads
    union all
    select
        by_rule.conversion_type || '/' || by_rule.event_key,
        by_rule.conversion_type,
        by_rule.person_id,
        cast(null as varchar),
        by_rule.worth,
        case when by_rule.margin is null then by_rule.worth else by_rule.margin end,
        false,
        true,
        by_rule.event_date,
        by_rule.occurred_at,
        by_rule.at_s
    from by_rule
    union all
    select
        'order/' || orders.order_key,
        case when orders.is_first then 'first_order' else 'repeat_order' end,
        orders.person_id,
        orders.order_key,
        orders.revenue,
        orders.margin,
        orders.margin_is_estimated,
        orders.in_ledger,
        orders.event_date,
        orders.occurred_at,
        orders.at_s
    from orders
),

refunds as (
    select
        'refund/' || person_milestones.event_key as conversion_id,
        coalesce(base.conversion_id, 'refund/' || person_milestones.event_key) as origin_id,
        coalesce(base.conversion_type, 'repeat_order') as conversion_type,
        coalesce(base.person_id, person_milestones.person_id) as person_id,
        coalesce(person_milestones.order_id, person_milestones.event_key) as order_id,
        -- One that names no amount is of the whole order.
        coalesce(abs(person_milestones.revenue), base.revenue, cast(0 as decimal(18, 2))) as refunded,
        person_milestones.margin,
        base.revenue as order_revenue,
        base.margin as order_margin,
        base.conversion_id is null as is_of_unknown_order,
        person_milestones.event_date as conversion_date,
        person_milestones.occurred_at,
        person_milestones.at_s
    from person_milestones
    left join base on base.conversion_id = 'order/' || person_milestones.order_id
    where person_milestones.event_type = 'Order Refunded'
        and not person_milestones.is_bot
        and person_milestones.trust <> 'browser'
),

weighed_refunds as (
    select
        refunds.*,
        case
            when refunds.margin is not null then -abs(refunds.margin)
            when refunds.refunded = cast(0 as decimal(18, 2)) then cast(0 as decimal(18, 2))
            when refunds.is_of_unknown_order then
                cast(round(-cast(refunds.refunded as double) * settings.default_margin_rate, 2) as decimal(18, 2))
            else
                cast(
                    round(
                        -cast(refunds.order_margin as double) * cast(refunds.refunded as double)
                        / nullif(cast(refunds.order_revenue as double), 0e0),
                        2
                    ) as decimal(18, 2)
                )
        end as refunded_margin
    from refunds
    cross join settings
)

select
    base.conversion_id,
    base.conversion_id as origin_id,
    base.conversion_type,
    base.person_id,
    mod(from_base(substr(to_hex(sha256(to_utf8(base.person_id))), 1, 8), 16), 256) as bucket,
    base.order_id,
    base.revenue,
    base.margin,
    base.margin_is_estimated,
    cast(1 as decimal(18, 6)) as conversions,
    base.conversion_date,
    base.occurred_at,
    base.at_s
from base
where base.in_ledger
union all
select
    weighed_refunds.conversion_id,
    weighed_refunds.origin_id,
    weighed_refunds.conversion_type,
    weighed_refunds.person_id,
    mod(from_base(substr(to_hex(sha256(to_utf8(weighed_refunds.person_id))), 1, 8), 16), 256),
    weighed_refunds.order_id,
    -weighed_refunds.refunded,
    weighed_refunds.refunded_margin,
    weighed_refunds.margin is null and weighed_refunds.refunded_margin is not null,
    cast(0 as decimal(18, 6)),
    weighed_refunds.conversion_date,
    weighed_refunds.occurred_at,
    weighed_refunds.at_s
from weighed_refunds
