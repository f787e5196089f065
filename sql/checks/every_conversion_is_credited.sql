-- purpose: every conversion has credit in every model: nothing is dropped
-- severity: error
-- model: credit
select conversion_facts.conversion_id
from conversion_facts
left join (select distinct credit_touches.conversion_id from credit_touches) as credited
    on credited.conversion_id = conversion_facts.conversion_id
where credited.conversion_id is null
    and conversion_facts.conversion_date >= date '0001-01-01' /* closed before */
