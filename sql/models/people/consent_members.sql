-- purpose: the identifiers that a person's set or an order ties together, where consent was ever withdrawn
-- grain: one row per group and identifier
-- key: group_key, identifier
-- kept: table
-- published: no
-- Members of a group are joined with each other: as a table the events behind them are read once.
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
)

select distinct grouped.group_key, set_members.identifier, set_members.kind, set_members.kind_no
from grouped
cross join withdrawals
inner join set_members on set_members.identifier_set = grouped.identifier_set
where withdrawals.withdrawn > 0
