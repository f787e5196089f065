-- Customers by state at the end of each month, for all devices and for each. Cells of fewer than 5 are left out and flagged.
with cells as (
    select month, state, case when grouping(device_class) = 1 then '(all)' else device_class end as device, sum(customers) as customers
    from state_months
    group by grouping sets ((month, state, device_class), (month, state))
)

select month, state, device as device_class, customers between 1 and 4 as is_hidden, case when customers >= 5 then cast(customers as double) end as customers
from cells
order by month, state, device
