-- purpose: for each conversion and model the weights sum to 1
-- severity: error
-- model: credit
select
    credit_touches.conversion_id,
    -- each model (linear)
    sum(credit_touches.linear_weight) as linear_weight,
    -- end
    count(*) as touches
from credit_touches
where credit_touches.conversion_date >= date '0001-01-01' /* closed before */
group by credit_touches.conversion_id
having
    count(*) = 0
    -- each model (linear)
    or coalesce(abs(sum(credit_touches.linear_weight) - 1e0), 1e0) > 1e-9
    -- end
