-- purpose: what came of the referrals that customers made
-- grain: one row per month of the referral
-- key: month
-- kept: table
-- published: yes
-- columns:
--   month: YYYY-MM in which the referrals were made
--   referrals: referrals made
--   leads: persons whose lead carries the id of one of them, by now
--   first_orders: of these persons, those who have placed their first order since
--   margin: margin of those by now, less refunds; null where a part of it is unknown
--   without_id: of the referrals, those that carry no id: what came of them is not known
-- Who carries the id of an own referral has referred nobody. A person who came by several referrals counts for the first of them.
with referrals as (
    select
        person_milestones.event_key,
        person_milestones.person_id,
        person_milestones.referral_id,
        date_format(person_milestones.event_date, '%Y-%m') as month,
        row_number() over (
            partition by person_milestones.referral_id
            order by person_milestones.occurred_at, person_milestones.event_key
        ) as telling_no
    from person_milestones
    where person_milestones.event_type = 'Referral Made'
        and not person_milestones.is_bot
),

leads as (
    select stage_triggers.person_id, person_milestones.referral_id, stage_triggers.at_s
    from stage_triggers
    inner join person_milestones on person_milestones.event_key = stage_triggers.event_key
    where stage_triggers.stage_no = 2
        and person_milestones.referral_id is not null
),

referred as (
    select leads.person_id, min_by(referrals.month, leads.at_s) as month, min(leads.at_s) as lead_s
    from leads
    inner join referrals
        on referrals.referral_id = leads.referral_id
        and referrals.telling_no = 1
        and coalesce(referrals.person_id, '') <> leads.person_id
    group by leads.person_id
),

gained as (
    select
        referred.month,
        count(*) as leads,
        count(orders.person_id) as first_orders,
        case
            when count(case when orders.person_id is not null and persons.margin is null then 1 end) = 0 then
                coalesce(sum(case when orders.person_id is not null then persons.margin end), cast(0 as decimal(18, 2)))
        end as margin
    from referred
    left join orders
        on orders.person_id = referred.person_id
        and orders.is_first
        and orders.at_s >= referred.lead_s
    left join persons on persons.person_id = referred.person_id
    group by referred.month
),

made as (
    select
        referrals.month,
        count(*) as referrals,
        count(case when referrals.referral_id is null then 1 end) as without_id
    from referrals
    group by referrals.month
)

select
    made.month,
    made.referrals,
    coalesce(gained.leads, 0) as leads,
    coalesce(gained.first_orders, 0) as first_orders,
    case
        when gained.month is null then cast(0 as decimal(18, 2))
        else cast(gained.margin as decimal(18, 2))
    end as margin,
    made.without_id
from made
left join gained on gained.month = made.month
