-- Customers by how many orders they have placed, for all devices and for each. Rows of fewer than 5 are left out and flagged.
select
    cast(least(orders, 10) as double) as orders,
    case when grouping(first_device) = 1 then '(all)' else first_device end as device_class,
    count(*) < 5 as is_hidden,
    case when count(*) >= 5 then cast(count(*) as double) end as customers,
    case when count(*) >= 5 then cast(sum(revenue) as double) end as revenue,
    case when count(*) >= 5 and count(margin) = count(*) then cast(sum(margin) as double) end as margin
from persons
where orders > 0
    and state is not null
group by grouping sets ((least(orders, 10), first_device), (least(orders, 10)))
order by 1, 2
