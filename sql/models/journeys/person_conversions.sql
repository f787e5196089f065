-- purpose: every valued outcome, and every refund as one more row, negative, that points at the order it undoes
-- grain: one row per conversion or refund
-- key: conversion_id
-- kept: table
-- published: no
-- A bucket is of the person, who may have no stage and no touch yet: as in person_stages.
-- By today's identity, of all days: what is told of persons is made of it. The ledger of closed days is conversion_facts.
-- revenue_before and margin_before: what of an order stood before a refund of it (0 for all else), by which its credit is shared.
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
        end as worth,
        -- What the configuration says that one is worth, no goods were bought for.
        person_milestones.margin is null
        and person_milestones.revenue is not null
        and not conversion_types.is_built_in as is_of_unknown_margin,
        settings.default_margin_rate
    from person_milestones
    cross join settings
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
        case
            when by_rule.margin is not null then by_rule.margin
            when by_rule.is_of_unknown_margin then
                cast(round(cast(by_rule.worth as double) * by_rule.default_margin_rate, 2) as decimal(18, 2))
            else by_rule.worth
        end,
        by_rule.is_of_unknown_margin and by_rule.default_margin_rate is not null,
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

told_refunds as (
    select
        'refund/' || person_milestones.event_key as conversion_id,
        coalesce(base.conversion_id, 'refund/' || person_milestones.event_key) as origin_id,
        coalesce(base.conversion_type, 'repeat_order') as conversion_type,
        coalesce(base.person_id, person_milestones.person_id) as person_id,
        coalesce(person_milestones.order_id, person_milestones.event_key) as order_id,
        abs(person_milestones.revenue) as told,
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

-- A refund that names no amount is of what the order has left: of all of it, or of what parts before did not take back.
refunds as (
    select
        told_refunds.*,
        -- What it takes back of the margin: sources tell it with either sign, and it has that of its order's, which may be a loss.
        case when told_refunds.order_margin < cast(0 as decimal(18, 2)) then -abs(told_refunds.margin) else abs(told_refunds.margin) end
            as told_margin,
        cast(
            coalesce(
                told_refunds.told,
                case
                    when count(case when told_refunds.told is null then 1 end) over parts_before = 0 then
                        greatest(
                            told_refunds.order_revenue
                            - coalesce(sum(told_refunds.told) over parts_before, cast(0 as decimal(18, 2))),
                            cast(0 as decimal(18, 2))
                        )
                end,
                cast(0 as decimal(18, 2))
            ) as decimal(18, 2)
        ) as refunded
    from told_refunds
    window parts_before as (
        partition by told_refunds.order_id
        order by told_refunds.occurred_at, told_refunds.conversion_id
        rows between unbounded preceding and 1 preceding
    )
),

-- What comes back of an order part by part. A margin that a part brings is believed; of the others the margin is cut on running
-- totals, as fixed costs are: rounded one by one, the parts of an order would keep a cent of it, or take back one too many.
running_refunds as (
    select
        refunds.*,
        case
            when refunds.is_of_unknown_order then settings.default_margin_rate
            else cast(refunds.order_margin as double)
        end as rate_margin,
        case when refunds.is_of_unknown_order then 1e0 else cast(refunds.order_revenue as double) end as rate_revenue,
        sum(refunds.refunded) over parts as refunded_so_far,
        sum(coalesce(refunds.told_margin, cast(0 as decimal(18, 2)))) over parts as told_so_far,
        sum(case when refunds.margin is null then refunds.refunded else cast(0 as decimal(18, 2)) end) over parts as untold_so_far
    from refunds
    cross join settings
    window parts as (
        partition by refunds.order_id
        order by refunds.occurred_at, refunds.conversion_id
        rows between unbounded preceding and current row
    )
),

reckoned_refunds as (
    select
        running_refunds.*,
        cast(
            round(
                running_refunds.rate_margin * cast(running_refunds.untold_so_far as double)
                / nullif(running_refunds.rate_revenue, 0e0),
                2
            ) as decimal(18, 2)
        ) as reckoned_so_far,
        cast(
            round(
                running_refunds.rate_margin * cast(running_refunds.untold_so_far - running_refunds.refunded as double)
                / nullif(running_refunds.rate_revenue, 0e0),
                2
            ) as decimal(18, 2)
        ) as reckoned_before
    from running_refunds
),

weighed_refunds as (
    select
        reckoned_refunds.*,
        cast(
            case
                when reckoned_refunds.told_margin is not null then -reckoned_refunds.told_margin
                when reckoned_refunds.refunded = cast(0 as decimal(18, 2)) then cast(0 as decimal(18, 2))
                -- The last of an order takes what is left of its margin, whatever margins the other parts brought.
                when reckoned_refunds.refunded_so_far = reckoned_refunds.order_revenue then
                    reckoned_refunds.told_so_far + reckoned_refunds.reckoned_before - reckoned_refunds.order_margin
                else reckoned_refunds.reckoned_before - reckoned_refunds.reckoned_so_far
            end as decimal(18, 2)
        ) as refunded_margin
    from reckoned_refunds
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
    cast(0 as decimal(18, 2)) as revenue_before,
    cast(0 as decimal(18, 2)) as margin_before,
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
    cast(
        coalesce(weighed_refunds.order_revenue, cast(0 as decimal(18, 2)))
        - weighed_refunds.refunded_so_far + weighed_refunds.refunded
        as decimal(18, 2)
    ),
    cast(
        coalesce(weighed_refunds.order_margin, cast(0 as decimal(18, 2)))
        + coalesce(sum(weighed_refunds.refunded_margin) over parts_before, cast(0 as decimal(18, 2)))
        as decimal(18, 2)
    ),
    cast(0 as decimal(18, 6)),
    weighed_refunds.conversion_date,
    weighed_refunds.occurred_at,
    weighed_refunds.at_s
from weighed_refunds
window parts_before as (
    partition by weighed_refunds.order_id
    order by weighed_refunds.occurred_at, weighed_refunds.conversion_id
    rows between unbounded preceding and 1 preceding
)
