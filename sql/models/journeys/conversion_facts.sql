-- purpose: every valued outcome, and every refund as one more row, negative, that points at the order it undoes
-- grain: one row per conversion or refund
-- key: conversion_id
-- kept: table
-- published: no
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
        person_events.*,
        conversion_rules.conversion_type,
        case
            when conversion_types.is_built_in then cast(0 as decimal(18, 2))
            else coalesce(person_events.revenue, conversion_rules.value)
        end as worth
    from person_events
    inner join conversion_rules on conversion_rules.event_type = person_events.event_type
    inner join conversion_types on conversion_types.conversion_type = conversion_rules.conversion_type
    where conversion_rules.conversion_type <> 'lead'
        and not person_events.is_bot
        and person_events.person_id is not null
        and (person_events.trust <> 'browser' or conversion_types.is_built_in = false)
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
        orders.event_date,
        orders.occurred_at,
        orders.at_s
    from orders
)

select
    base.conversion_id,
    base.conversion_id as origin_id,
    base.conversion_type,
    base.person_id,
    base.order_id,
    base.revenue,
    base.margin,
    base.margin_is_estimated,
    cast(1 as decimal(18, 6)) as conversions,
    base.conversion_date,
    base.occurred_at,
    base.at_s
from base
union all
select
    'refund/' || person_events.event_key,
    coalesce(base.conversion_id, 'refund/' || person_events.event_key),
    coalesce(base.conversion_type, 'repeat_order'),
    coalesce(base.person_id, person_events.person_id),
    coalesce(person_events.order_id, person_events.event_key),
    -abs(coalesce(person_events.revenue, cast(0 as decimal(18, 2)))),
    case
        when person_events.margin is not null then -abs(person_events.margin)
        when base.margin is not null then
            cast(
                round(
                    -cast(base.margin as double)
                    * cast(abs(coalesce(person_events.revenue, cast(0 as decimal(18, 2)))) as double)
                    / nullif(cast(base.revenue as double), 0e0),
                    2
                ) as decimal(18, 2)
            )
        when base.conversion_id is null then
            cast(
                round(
                    -cast(abs(coalesce(person_events.revenue, cast(0 as decimal(18, 2)))) as double)
                    * settings.default_margin_rate,
                    2
                ) as decimal(18, 2)
            )
    end,
    person_events.margin is null,
    cast(0 as decimal(18, 6)),
    person_events.event_date,
    person_events.occurred_at,
    person_events.at_s
from person_events
cross join settings
left join base on base.conversion_id = 'order/' || person_events.order_id
where person_events.event_type = 'Order Refunded'
    and not person_events.is_bot
    and person_events.trust <> 'browser'
