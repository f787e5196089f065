-- Spend that finds no touch, and touches that find no spend, with the nearest name of the other side.
-- What a name has none of is no figure: a dash says it, not a nought.
select kind, name, nearest_name, channel, cast(nullif(touches, 0) as double) as touches, cast(nullif(spend, 0) as double) as spend
from spend_hygiene
where period = 'last_90_days'
order by coalesce(spend, 0) desc, coalesce(touches, 0) desc, name
limit 500
