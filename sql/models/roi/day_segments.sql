-- purpose: the stretch of days that each day belongs to: no period begins or ends within one, and none crosses a month
-- grain: one row per day
-- key: day
-- kept: table
-- published: no
-- Some two dozen stretches for two years: what is summed over a stretch once is summed over any period from there.
select calendar.day, max(bounds.from_day) as segment
from calendar
inner join (
    select periods.from_day from periods
    union
    select date_add('day', 1, periods.to_day) from periods
) as bounds on bounds.from_day <= calendar.day
group by calendar.day
