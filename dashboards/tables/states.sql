-- Customers by state today, for all devices and for each. States of fewer than 5 are left out and flagged.
select
    state,
    case when grouping(first_device) = 1 then '(all)' else first_device end as device_class,
    count(*) < 5 as is_hidden,
    case when count(*) >= 5 then cast(count(*) as double) end as customers,
    case when count(*) >= 5 and count(margin) = count(*) then cast(sum(margin) as double) end as margin
from persons
where state is not null
group by grouping sets ((state, first_device), (state))
order by state, device_class
