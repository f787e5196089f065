-- Each component is named by its smallest node.
select
    label_key,
    min(label_key) over (partition by root) as root
from component_roots
