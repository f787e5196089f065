-- purpose: every conversion has credit in every model: nothing is dropped
-- severity: error
-- model: credit
select conversion_facts.conversion_id, rule_models.model
from conversion_facts
cross join rule_models
left join (select distinct credit.conversion_id, credit.model from credit) as credited
    on credited.conversion_id = conversion_facts.conversion_id
    and credited.model = rule_models.model
where credited.conversion_id is null
