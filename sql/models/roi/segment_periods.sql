-- purpose: the stretches of days, each named by its first day, that make up each period
-- grain: one row per period and stretch
-- key: period, segment
-- kept: table
-- published: no
select periods.period, period_spans.from_day as segment
from periods
inner join period_spans on period_spans.from_day between periods.from_day and periods.to_day
