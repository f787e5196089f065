-- Customers by how many orders they have placed. Rows of fewer than 5 are left out and flagged.
select
    cast(least(orders, 10) as double) as orders,
    count(*) < 5 as is_hidden,
    case when count(*) >= 5 then cast(count(*) as double) end as customers,
    case when count(*) >= 5 then cast(sum(revenue) as double) end as revenue,
    case when count(*) >= 5 and count(margin) = count(*) then cast(sum(margin) as double) end as margin
from persons
where orders > 0
group by least(orders, 10)
order by 1
