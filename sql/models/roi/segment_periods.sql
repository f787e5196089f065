-- purpose: the stretches of days that make up each period
-- grain: one row per period and stretch
-- key: period, segment
-- kept: table
-- published: no
select distinct periods.period, day_segments.segment
from periods
inner join day_segments on day_segments.day between periods.from_day and periods.to_day
