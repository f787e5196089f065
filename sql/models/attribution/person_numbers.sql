-- purpose: a number for each person, quick to join on, with what bounds the journeys of the person
-- grain: one row per person with a touch or a stage
-- key: person_no
-- kept: table
-- published: no
-- The numbers are of one build; in the order of person_id, so that every engine gives the same ones.
-- customer_s tells since when the person is a customer: an order that is in no ledger tells it too, as does the CRM.
with known_customers as (
    select orders.person_id, orders.at_s as since_s
    from orders
    union all
    select customer_since.person_id, customer_since.since_s
    from customer_since
    -- a first order on record is exact
    where customer_since.person_id not in (select orders.person_id from orders where orders.is_first)
),

customers as (
    select known_customers.person_id, min(known_customers.since_s) as customer_s
    from known_customers
    group by known_customers.person_id
)

select
    row_number() over (order by person_stages.person_id) as person_no,
    person_stages.person_id,
    person_stages.bucket,
    person_stages.lead_s,
    customers.customer_s
from person_stages
left join customers on customers.person_id = person_stages.person_id
