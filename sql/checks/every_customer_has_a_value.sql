-- purpose: customer_value has each person with an order that names them, and nobody else
-- severity: error
-- model: customer_value
select buyers.person_id as buyer, customer_value.person_id as valued
from (select distinct orders.person_id from orders where orders.is_named) as buyers
full outer join customer_value on customer_value.person_id = buyers.person_id
where buyers.person_id is null
    or customer_value.person_id is null
