-- At which hour of which weekday people come, and order, on all devices and on each. What stands for fewer than 5 persons is left out:
-- touches, leads and orders each for themselves.
select
    period, coalesce(device_class, '(all)') as device_class, cast(weekday as double) as weekday, cast(hour as double) as hour,
    case when touch_persons >= 5 then cast(touches as double) end as touches,
    case when lead_persons >= 5 then cast(leads as double) end as leads,
    case when order_persons >= 5 then cast(orders as double) end as orders
from touch_hours
where coalesce(device_class, '(all)') <> '(none)' and greatest(touch_persons, lead_persons, order_persons) >= 5
order by period, device_class, weekday, hour
