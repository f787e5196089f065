-- purpose: the ledger holds every order and refund of the events, once, reckoned apart from the attribution
-- severity: error
-- model: conversions
with told as (
    select count(*) as orders
    from (
        select coalesce(person_milestones.order_id, person_milestones.event_key) as order_key
        from person_milestones
        cross join settings
        where person_milestones.event_type = 'Order Completed'
            and not person_milestones.is_bot
        group by coalesce(person_milestones.order_id, person_milestones.event_key)
        having count(case when person_milestones.trust <> 'browser' then 1 end) > 0
            and (max(settings.history_starts) is null or min(person_milestones.event_date) >= max(settings.history_starts))
    ) as order_keys
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
