-- How well people are known, in one row.
select
    cast(count(*) as double) as persons,
    cast(count(*) filter (where is_identified) as double) as identified,
    cast(count(*) filter (where identifiers > 1) as double) as joined,
    cast(count(*) filter (where orders > 0) as double) as customers,
    (select cast(count(*) as double) from identity_hubs) as hubs
from persons
having count(*) >= 5
