-- purpose: as many journeys leave each state of a chain as enter it
-- severity: error
-- model: transition_counts
with flows as (
    select
        transition_counts.conversion_type,
        transition_counts.order_k,
        transition_counts.end_month,
        transition_counts.bucket,
        transition_counts.state_to as state,
        transition_counts.steps
    from transition_counts
    where transition_counts.state_to > 0
    union all
    select
        transition_counts.conversion_type,
        transition_counts.order_k,
        transition_counts.end_month,
        transition_counts.bucket,
        transition_counts.state_from,
        -transition_counts.steps
    from transition_counts
    where transition_counts.state_from > 0
)

select
    flows.conversion_type,
    flows.order_k,
    flows.end_month,
    flows.bucket,
    flows.state,
    sum(flows.steps) as surplus
from flows
group by flows.conversion_type, flows.order_k, flows.end_month, flows.bucket, flows.state
having sum(flows.steps) <> 0
