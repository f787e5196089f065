-- purpose: what lets a person enter a stage, by the rules of the configuration, the orders and the referrals
-- grain: one row per person, stage and event that would let the person enter it
-- key: person_id, stage_no, event_key
-- kept: table
-- published: no
with first_orders as (
    select orders.person_id, orders.occurred_at, orders.at_s
    from orders
    where orders.order_no = 1
),

-- Milestones that a rule names, whatever their time.
matched as (
    select
        person_milestones.person_id,
        stage_rules.stage_no,
        person_milestones.event_key,
        person_milestones.occurred_at,
        person_milestones.event_date,
        person_milestones.at_s,
        stage_rules.before_first_order,
        stage_rules.days_after_first_order
    from person_milestones
    inner join stage_rules
        on stage_rules.event_type = person_milestones.event_type
    where not person_milestones.is_bot
        and person_milestones.person_id is not null
        and (stage_rules.channel is null or stage_rules.channel = person_milestones.channel)
        and (stage_rules.min_score is null or person_milestones.score >= stage_rules.min_score)
),

-- A customer is who has ordered, or has let an opportunity be won.
customers as (
    select became.person_id, min(became.at_s) as at_s
    from (
        select first_orders.person_id, first_orders.at_s
        from first_orders
        union all
        select matched.person_id, matched.at_s
        from matched
        where matched.stage_no = 3
    ) as became
    group by became.person_id
),

ruled as (
    select
        matched.person_id,
        matched.stage_no,
        matched.event_key,
        matched.occurred_at,
        matched.event_date,
        matched.at_s
    from matched
    left join first_orders on first_orders.person_id = matched.person_id
    left join customers on customers.person_id = matched.person_id
    where (
        not matched.before_first_order
        or first_orders.at_s is null
        or matched.at_s < first_orders.at_s
    )
    and (
        matched.days_after_first_order is null
        or matched.at_s >= customers.at_s + matched.days_after_first_order * 86400e0
    )
),

ordered as (
    select
        orders.person_id,
        case when orders.order_no = 1 then 3 else 4 end as stage_no,
        orders.event_key,
        orders.occurred_at,
        orders.event_date,
        orders.at_s
    from orders
    where orders.order_no <= 2
    union all
    select orders.person_id, 5, orders.event_key, orders.occurred_at, orders.event_date, orders.at_s
    from orders
    where orders.order_no >= 3
        and orders.at_s - orders.two_before_s <= 365e0 * 86400e0
),

referred_leads as (
    select
        person_milestones.referral_id,
        min(person_milestones.occurred_at) as occurred_at,
        min(person_milestones.event_date) as event_date,
        min(person_milestones.at_s) as at_s
    from person_milestones
    inner join stage_rules
        on stage_rules.event_type = person_milestones.event_type
        and stage_rules.stage_no = 2
    where person_milestones.referral_id is not null
        and not person_milestones.is_bot
    group by person_milestones.referral_id
),

referrals as (
    select
        person_milestones.person_id,
        5 as stage_no,
        person_milestones.event_key,
        case
            when referred_leads.at_s > person_milestones.at_s then referred_leads.occurred_at
            else person_milestones.occurred_at
        end as occurred_at,
        case
            when referred_leads.at_s > person_milestones.at_s then referred_leads.event_date
            else person_milestones.event_date
        end as event_date,
        case when referred_leads.at_s > person_milestones.at_s then referred_leads.at_s else person_milestones.at_s end as at_s
    from person_milestones
    inner join customers
        on customers.person_id = person_milestones.person_id
        and customers.at_s <= person_milestones.at_s
    left join referred_leads on referred_leads.referral_id = person_milestones.referral_id
    where person_milestones.event_type = 'Referral Made'
        and not person_milestones.is_bot
        and (person_milestones.referral_id is null or referred_leads.referral_id is not null)
)

select ruled.person_id, ruled.stage_no, ruled.event_key, ruled.occurred_at, ruled.event_date, ruled.at_s
from ruled
union all
select ordered.person_id, ordered.stage_no, ordered.event_key, ordered.occurred_at, ordered.event_date, ordered.at_s
from ordered
union all
select referrals.person_id, referrals.stage_no, referrals.event_key, referrals.occurred_at, referrals.event_date, referrals.at_s
from referrals
union all
select
    first_touches.person_id,
    1,
    first_touches.touch_id,
    first_touches.occurred_at,
    first_touches.touch_date,
    first_touches.at_s
from first_touches
