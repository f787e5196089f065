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
        on member_b.identifier_set = member_a.identifier_set
        and member_b.kind_no > member_a.kind_no
),

same_order as (
    select
        copy_a.identifier as identifier_a,
        copy_a.kind as kind_a,
        copy_b.identifier as identifier_b,
        copy_b.kind as kind_b,
        case when copy_a.seen_at > copy_b.seen_at then copy_a.seen_at else copy_b.seen_at end as linked_at,
        case when copy_a.seen_at > copy_b.seen_at then copy_a.event_key else copy_b.event_key end as event_key
    from order_members as copy_a
    inner join order_members as copy_b
        on copy_b.order_id = copy_a.order_id
        and (
            copy_b.kind_no > copy_a.kind_no
            or (copy_b.kind_no = copy_a.kind_no and copy_b.identifier > copy_a.identifier)
        )
    where copy_a.event_key <> copy_b.event_key
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
