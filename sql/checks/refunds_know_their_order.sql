-- purpose: a refund of an order that we never saw stays unattributed
-- severity: warn
-- model: conversions
select conversion_facts.conversion_id, conversion_facts.order_id, conversion_facts.revenue
from conversion_facts
where conversion_facts.conversion_id like 'refund/%'
    and conversion_facts.origin_id = conversion_facts.conversion_id
