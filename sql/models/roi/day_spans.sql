-- purpose: which span each day belongs to, so that what is summed over spans is joined by day
-- grain: one row per day
-- key: day
-- kept: table
-- published: no
select calendar.day, period_spans.span_no, period_spans.from_day
from calendar
inner join period_spans on calendar.day between period_spans.from_day and period_spans.to_day
