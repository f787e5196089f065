-- purpose: the ledger holds every order and refund of the events, once, reckoned apart from the attribution
-- severity: error
-- model: conversions
with told as (
    select count(distinct coalesce(person_events.order_id, person_events.event_key)) as orders
    from person_events
    where person_events.event_type = 'Order Completed'
        and not person_events.is_bot
        and person_events.trust <> 'browser'
),

kept as (
    select count(*) as orders
    from conversion_facts
    where conversion_facts.conversion_id like 'order/%'
)

select told.orders as orders_told, kept.orders as orders_kept
from told
cross join kept
where told.orders <> kept.orders
