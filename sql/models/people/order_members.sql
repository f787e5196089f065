-- purpose: the identifiers of each copy of an order that may tie persons together
-- grain: one row per event and identifier
-- key: event_key, identifier
-- kept: table
-- published: no
-- Copies of one order are joined with each other: as a table the events behind them are read once.
select
    event_once.order_id,
    set_members.identifier,
    set_members.kind,
    set_members.kind_no,
    event_once.seen_at,
    event_once.event_key
from event_once
inner join set_members on set_members.identifier_set = event_once.identifier_set
left join set_consent on set_consent.identifier_set = event_once.identifier_set
left join unproven_copies on unproven_copies.event_key = event_once.event_key
where event_once.event_type = 'Order Completed'
    and event_once.order_id is not null
    and not event_once.is_bot
    and (event_once.has_consent or event_once.gives_consent)
    and event_once.at_s >= coalesce(set_consent.stripped_before_s, -1e18)
    and unproven_copies.event_key is null
