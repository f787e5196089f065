-- purpose: an order of which no trusted copy names a revenue counts as one of 0
-- severity: warn
-- model: conversions
select coalesce(person_milestones.order_id, person_milestones.event_key) as order_key, min(person_milestones.event_date) as event_date
from person_milestones
where person_milestones.event_type = 'Order Completed'
    and person_milestones.trust <> 'browser'
    and not person_milestones.is_bot
group by coalesce(person_milestones.order_id, person_milestones.event_key)
having count(person_milestones.revenue) = 0
