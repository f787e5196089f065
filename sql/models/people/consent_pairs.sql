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
        and event_once.identifier_set is not null
),

grouped as (
    select identifier_sets.identifier_set as group_key, identifier_sets.identifier_set
    from identifier_sets
    where identifier_sets.is_human
        and identifier_sets.identifier_set like '%|_%'
    union all
    select distinct 'order/' || event_once.order_id, event_once.identifier_set
    from event_once
    left join unproven_copies on unproven_copies.event_key = event_once.event_key
    where event_once.event_type = 'Order Completed'
        and event_once.order_id is not null
        and event_once.identifier_set is not null
        and not event_once.is_bot
        and unproven_copies.event_key is null
),

members as (
    select distinct grouped.group_key, set_members.identifier, set_members.kind, set_members.kind_no
    from grouped
    cross join withdrawals
    inner join set_members on set_members.identifier_set = grouped.identifier_set
    where withdrawals.withdrawn > 0
)

select distinct
    member_a.identifier as identifier_a,
    member_a.kind as kind_a,
    member_b.identifier as identifier_b,
    member_b.kind as kind_b
from members as member_a
inner join members as member_b
    on member_b.group_key = member_a.group_key
    and (
        member_b.kind_no > member_a.kind_no
        or (member_b.kind_no = member_a.kind_no and member_b.identifier > member_a.identifier)
    )
left join identity_unlinks
    on identity_unlinks.identifier_a = member_a.identifier
    and identity_unlinks.identifier_b = member_b.identifier
where identity_unlinks.identifier_a is null
