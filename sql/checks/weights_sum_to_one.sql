-- purpose: for each conversion and model the weights sum to 1
-- severity: error
-- model: credit
select credit.conversion_id, credit.model, sum(credit.weight) as weight
from credit
group by credit.conversion_id, credit.model
having abs(sum(credit.weight) - 1e0) > 1e-9
