-- Customers by state today. States of fewer than 5 are left out and flagged.
select state, count(*) < 5 as is_hidden, case when count(*) >= 5 then cast(count(*) as double) end as customers,
    case when count(*) >= 5 and count(margin) = count(*) then cast(sum(margin) as double) end as margin
from persons
where state is not null
group by state
order by state
