-- Every node that has a smaller neighbour takes the smallest, then jumps three times to that one's own choice.
with hooks as (
    select hi as node, min(lo) as label
    from component_edges
    group by hi
),

first_jump as (
    select hooks.node, coalesce(further.label, hooks.label) as label
    from hooks
    left join hooks as further on further.node = hooks.label
),

second_jump as (
    select first_jump.node, coalesce(further.label, first_jump.label) as label
    from first_jump
    left join first_jump as further on further.node = first_jump.label
),

third_jump as (
    select second_jump.node, coalesce(further.label, second_jump.label) as label
    from second_jump
    left join second_jump as further on further.node = second_jump.label
)

select * from third_jump
