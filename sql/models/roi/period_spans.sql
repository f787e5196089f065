-- purpose: the spans of days that each period is made of
-- grain: one row per period and span
-- key: period, span
-- kept: table
-- published: no
select distinct periods.period, day_spans.span
from periods
inner join day_spans on day_spans.day between periods.from_day and periods.to_day
