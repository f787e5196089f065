-- purpose: pairs of identifiers seen together, on one event or on two copies of one order, with the event that showed it
-- grain: one row per pair of identifiers, the stronger kind first
-- key: identifier_a, identifier_b
-- kept: table
-- published: no
-- Pairs that a person took out (percorso unlink) are none.
with seen_together as (
    select
        member_a.identifier as identifier_a,
        member_a.kind as kind_a,
        member_b.identifier as identifier_b,
        member_b.kind as kind_b,
        member_a.first_seen_at as linked_at,
        member_a.event_key
    from identity_members as member_a
    inner join identity_members as member_b
        on member_b.set_no = member_a.set_no
        and member_b.kind_no > member_a.kind_no
),

order_copies as (
    select distinct
        event_once.order_id,
        coalesce(
            event_once.user_id, event_once.crm_id, event_once.loyalty_card,
            event_once.email, event_once.phone, event_once.anonymous_id
        ) as identifier,
        case
            when event_once.user_id is not null then 'user_id'
            when event_once.crm_id is not null then 'crm_id'
            when event_once.loyalty_card is not null then 'loyalty_card'
            when event_once.email is not null then 'email'
            when event_once.phone is not null then 'phone'
            else 'anonymous_id'
        end as kind,
        case
            when event_once.user_id is not null then 1
            when event_once.crm_id is not null then 2
            when event_once.loyalty_card is not null then 3
            when event_once.email is not null then 4
            when event_once.phone is not null then 5
            else 6
        end as kind_no,
        event_once.seen_at,
        event_once.event_key
    from event_once
    where event_once.event_type = 'Order Completed'
        and event_once.order_id is not null
        and not event_once.is_bot
        and coalesce(
            event_once.user_id, event_once.crm_id, event_once.loyalty_card,
            event_once.email, event_once.phone, event_once.anonymous_id
        ) is not null
),

same_order as (
    select
        copy_a.identifier as identifier_a,
        copy_a.kind as kind_a,
        copy_b.identifier as identifier_b,
        copy_b.kind as kind_b,
        case when copy_a.seen_at > copy_b.seen_at then copy_a.seen_at else copy_b.seen_at end as linked_at,
        case when copy_a.seen_at > copy_b.seen_at then copy_a.event_key else copy_b.event_key end as event_key
    from order_copies as copy_a
    inner join order_copies as copy_b
        on copy_b.order_id = copy_a.order_id
        and (
            copy_b.kind_no > copy_a.kind_no
            or (copy_b.kind_no = copy_a.kind_no and copy_b.identifier > copy_a.identifier)
        )
),

all_pairs as (
    select * from seen_together
    union all
    select * from same_order
)

select
    all_pairs.identifier_a,
    all_pairs.kind_a,
    all_pairs.identifier_b,
    all_pairs.kind_b,
    min(all_pairs.linked_at) as linked_at,
    substr(
        min(
            lpad(cast(cast(round(to_unixtime(all_pairs.linked_at) * 1000) as bigint) as varchar), 15, '0')
            || all_pairs.event_key
        ),
        16
    ) as event_key
from all_pairs
left join identity_unlinks
    on identity_unlinks.identifier_a = all_pairs.identifier_a
    and identity_unlinks.identifier_b = all_pairs.identifier_b
where identity_unlinks.identifier_a is null
group by all_pairs.identifier_a, all_pairs.kind_a, all_pairs.identifier_b, all_pairs.kind_b
