-- purpose: the days of each period, so that figures by day are summed over periods by an equality
-- grain: one row per period and day
-- key: period, day
-- kept: table
-- published: no
select periods.period, calendar.day
from periods
inner join calendar on calendar.day between periods.from_day and periods.to_day
