-- Roots follow the hooks of this round.
select
    component_roots.label_key,
    coalesce(component_hooks.label, component_roots.root) as root
from component_roots
left join component_hooks on component_hooks.node = component_roots.root
