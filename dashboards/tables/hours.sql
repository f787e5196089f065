-- At which hour of which weekday people come, and order, on all devices and on each. Cells of fewer than 5 persons are left out.
select
    period, coalesce(device_class, '(all)') as device_class, cast(weekday as double) as weekday, cast(hour as double) as hour,
    cast(touches as double) as touches, cast(leads as double) as leads, cast(orders as double) as orders
from touch_hours
where persons >= 5 and coalesce(device_class, '(all)') <> '(none)'
order by period, device_class, weekday, hour
