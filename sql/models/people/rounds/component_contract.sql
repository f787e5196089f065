-- The edges between what is left after this round; none left means done.
with moved as (
    select
        coalesce(upper_hook.label, component_edges.hi) as a,
        coalesce(lower_hook.label, component_edges.lo) as b
    from component_edges
    left join component_hooks as upper_hook on upper_hook.node = component_edges.hi
    left join component_hooks as lower_hook on lower_hook.node = component_edges.lo
)

select distinct
    case when a > b then a else b end as hi,
    case when a > b then b else a end as lo
from moved
where a <> b
