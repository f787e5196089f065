-- purpose: what lets a person enter a stage, by the rules of the configuration, the orders and the referrals
-- grain: one row per person, stage and event that would let the person enter it
-- key: person_id, stage_no, event_key
-- kept: table
-- published: no
-- Whom the CRM knows as a customer, without a first order on record, is one since then: what it says is no sign that we have
-- seen (is_seen), so that nobody is counted as having become a customer by it, and the orders that follow are further ones.
-- An order that does not say whose it is lets nobody enter a stage: it may be a customer's of whom more is known elsewhere.
with old_customers as (
    select customer_since.person_id, customer_since.customer_since, customer_since.event_key, customer_since.since_s
    from customer_since
    -- a first order on record is exact
    where customer_since.person_id not in (select orders.person_id from orders where orders.is_first)
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
        person_milestones.referral_id,
        stage_rules.before_first_order,
        stage_rules.days_after_first_order
    from person_milestones
    inner join stage_rules
        on stage_rules.event_type = person_milestones.event_type
    where not person_milestones.is_bot
        and person_milestones.person_id is not null
        -- a customer has a name
        and (stage_rules.stage_no < 3 or person_milestones.person_id not like 'x:%')
        and (stage_rules.channel is null or stage_rules.channel = person_milestones.channel)
        and (
            stage_rules.min_score is null
            -- other scales than that of promoters
            or (person_milestones.score >= stage_rules.min_score and coalesce(person_milestones.feedback_kind, '') <> 'csat')
        )
),

-- A customer is who has ordered, has let an opportunity be won, or is known as one.
customers as (
    select became.person_id, min(became.at_s) as at_s
    from (
        select orders.person_id, orders.at_s
        from orders
        where orders.order_no = 1
            and orders.is_named
        union all
        select matched.person_id, matched.at_s
        from matched
        where matched.stage_no = 3
        union all
        select old_customers.person_id, old_customers.since_s
        from old_customers
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
        matched.at_s,
        matched.referral_id
    from matched
    left join customers on customers.person_id = matched.person_id
    where (
        not matched.before_first_order
        or customers.at_s is null
        or matched.at_s < customers.at_s
    )
    and (
        (matched.stage_no < 4 and matched.days_after_first_order is null)
        or matched.at_s >= customers.at_s + coalesce(matched.days_after_first_order, 0) * 86400e0
    )
),

ordered as (
    select
        orders.person_id,
        case when orders.order_no = 1 and old_customers.person_id is null then 3 else 4 end as stage_no,
        orders.event_key,
        orders.occurred_at,
        orders.event_date,
        orders.at_s
    from orders
    left join old_customers on old_customers.person_id = orders.person_id
    where orders.order_no <= 2
        and orders.is_named
    union all
    select orders.person_id, 5, orders.event_key, orders.occurred_at, orders.event_date, orders.at_s
    from orders
    where orders.order_no >= 3
        and orders.is_named
        and orders.at_s - orders.two_before_s <= 365e0 * 86400e0
),

-- Of a referral that somebody else's lead carries, the first such lead.
referred as (
    select
        person_milestones.event_key,
        min(ruled.occurred_at) as occurred_at,
        min(ruled.event_date) as event_date,
        min(ruled.at_s) as at_s
    from person_milestones
    inner join ruled
        on ruled.referral_id = person_milestones.referral_id
        and ruled.stage_no = 2
        and ruled.person_id <> person_milestones.person_id
    where person_milestones.event_type = 'Referral Made'
    group by person_milestones.event_key
),

referrals as (
    select
        person_milestones.person_id,
        5 as stage_no,
        person_milestones.event_key,
        case when referred.at_s > person_milestones.at_s then referred.occurred_at else person_milestones.occurred_at end
            as occurred_at,
        case when referred.at_s > person_milestones.at_s then referred.event_date else person_milestones.event_date end
            as event_date,
        case when referred.at_s > person_milestones.at_s then referred.at_s else person_milestones.at_s end as at_s
    from person_milestones
    inner join customers
        on customers.person_id = person_milestones.person_id
        and customers.at_s <= person_milestones.at_s
    left join referred on referred.event_key = person_milestones.event_key
    where person_milestones.event_type = 'Referral Made'
        and not person_milestones.is_bot
        and (person_milestones.referral_id is null or referred.event_key is not null)
),

-- Of those who did anything in the data; who was one before the data begin is one when they begin.
known as (
    select
        old_customers.person_id,
        old_customers.event_key,
        greatest(old_customers.customer_since, horizon.first_day) as known_date
    from old_customers
    cross join horizon
    where old_customers.person_id in (
        select first_touches.person_id
        from first_touches
        union all
        select person_milestones.person_id
        from person_milestones
        where not person_milestones.is_bot
            and person_milestones.person_id is not null
    )
)

select ruled.person_id, ruled.stage_no, ruled.event_key, ruled.occurred_at, ruled.event_date, ruled.at_s, true as is_seen
from ruled
union all
select ordered.person_id, ordered.stage_no, ordered.event_key, ordered.occurred_at, ordered.event_date, ordered.at_s, true
from ordered
union all
select referrals.person_id, referrals.stage_no, referrals.event_key, referrals.occurred_at, referrals.event_date, referrals.at_s, true
from referrals
union all
select
    first_touches.person_id,
    1,
    first_touches.touch_id,
    first_touches.occurred_at,
    first_touches.touch_date,
    first_touches.at_s,
    true
from first_touches
union all
select
    known.person_id,
    3,
    known.event_key,
    with_timezone(cast(known.known_date as timestamp(6)), 'Europe/Rome' /* time zone */),
    known.known_date,
    to_unixtime(with_timezone(cast(known.known_date as timestamp(6)), 'Europe/Rome' /* time zone */)),
    false
from known
