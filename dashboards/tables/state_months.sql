-- Customers by state at the end of each month. Cells of fewer than 5 are left out and flagged.
select month, state, customers between 1 and 4 as is_hidden, case when customers >= 5 then cast(customers as double) end as customers
from state_months
order by month, state
