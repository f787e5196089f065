-- How well people are known, in one row.
select
    cast(count(*) as double) as persons,
    cast(count(*) filter (where is_identified) as double) as identified,
    cast(count(*) filter (where identifiers > 1) as double) as joined,
    case when count(*) filter (where is_nameless) >= 5 then cast(sum(orders) filter (where is_nameless) as double) end
        as nameless_orders,
    case when count(*) filter (where is_nameless) >= 5 and sum(revenue) > 0 then
        cast(sum(revenue) filter (where is_nameless) as double) / cast(sum(revenue) as double)
    end as nameless_share,
    (select cast(count(*) as double) from identity_hubs) as hubs
-- A customer has a state: an order without one names nobody.
from (select *, orders > 0 and state is null as is_nameless from persons)
having count(*) >= 5
