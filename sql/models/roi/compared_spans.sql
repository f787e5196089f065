-- purpose: the spans of days of each period, and of the one that it is compared with
-- grain: one row per period, whether of itself or of the one before it, and span
-- key: period, is_current, span_no
-- kept: table
-- published: no
-- Of a period that begins before the data nothing is told.
select periods.period, true as is_current, period_spans.span_no, period_spans.from_day
from periods
inner join period_spans on period_spans.from_day between periods.from_day and periods.to_day
union all
select periods.period, false, period_spans.span_no, period_spans.from_day
from periods
inner join period_spans on period_spans.from_day between periods.previous_from_day and periods.previous_to_day
