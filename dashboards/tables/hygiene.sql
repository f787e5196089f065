-- Spend that finds no touch, and touches that find no spend, with the nearest name of the other side.
select kind, name, nearest_name, channel, cast(touches as double) as touches, cast(spend as double) as spend
from spend_hygiene
where period = 'last_90_days'
order by coalesce(spend, 0) desc, coalesce(touches, 0) desc, name
limit 500
