-- At which hour of which weekday people come, and order. Cells of fewer than 5 persons are left out.
select
    period, cast(weekday as double) as weekday, cast(hour as double) as hour,
    cast(touches as double) as touches, cast(leads as double) as leads, cast(orders as double) as orders
from touch_hours
where persons >= 5
order by period, weekday, hour
