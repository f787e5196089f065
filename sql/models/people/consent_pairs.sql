-- purpose: pairs of identifiers seen together by any event, also by those that a withdrawal of consent strips: how far it reaches
-- grain: one row per pair of identifiers, the stronger kind first
-- key: identifier_a, identifier_b
-- kept: table
-- published: no
-- Empty where nobody withdrew, so that the models made of it cost nothing.
with withdrawals as (
    select count(*) as withdrawn
    from event_once
    where not event_once.has_consent
        and coalesce(
            event_once.user_id, event_once.crm_id, event_once.loyalty_card,
            event_once.email, event_once.phone, event_once.anonymous_id
        ) is not null
),

sets as (
    select distinct
        case
            when event_once.event_type = 'Order Completed'
                and event_once.order_id is not null
                and unproven_copies.event_key is null
                then 'order/' || event_once.order_id
        end as order_group,
        event_once.user_id,
        event_once.crm_id,
        event_once.loyalty_card,
        event_once.email,
        event_once.phone,
        event_once.anonymous_id
    from event_once
    cross join withdrawals
    left join unproven_copies on unproven_copies.event_key = event_once.event_key
    where withdrawals.withdrawn > 0
        and not event_once.is_bot
),

grouped as (
    select
        coalesce(
            sets.order_group,
            coalesce(sets.user_id, '') || '|' || coalesce(sets.crm_id, '') || '|' || coalesce(sets.loyalty_card, '')
            || '|' || coalesce(sets.email, '') || '|' || coalesce(sets.phone, '') || '|' || coalesce(sets.anonymous_id, '')
        ) as set_key,
        sets.*
    from sets
),

members as (
    select grouped.set_key, grouped.user_id as identifier, 'user_id' as kind, 1 as kind_no
    from grouped
    where grouped.user_id is not null
    union all
    select grouped.set_key, grouped.crm_id, 'crm_id', 2
    from grouped
    where grouped.crm_id is not null
    union all
    select grouped.set_key, grouped.loyalty_card, 'loyalty_card', 3
    from grouped
    where grouped.loyalty_card is not null
    union all
    select grouped.set_key, grouped.email, 'email', 4
    from grouped
    where grouped.email is not null
    union all
    select grouped.set_key, grouped.phone, 'phone', 5
    from grouped
    where grouped.phone is not null
    union all
    select grouped.set_key, grouped.anonymous_id, 'anonymous_id', 6
    from grouped
    where grouped.anonymous_id is not null
)

select distinct
    member_a.identifier as identifier_a,
    member_a.kind as kind_a,
    member_b.identifier as identifier_b,
    member_b.kind as kind_b
from members as member_a
inner join members as member_b
    on member_b.set_key = member_a.set_key
    and (
        member_b.kind_no > member_a.kind_no
        or (member_b.kind_no = member_a.kind_no and member_b.identifier > member_a.identifier)
    )
left join identity_unlinks
    on identity_unlinks.identifier_a = member_a.identifier
    and identity_unlinks.identifier_b = member_b.identifier
where identity_unlinks.identifier_a is null
