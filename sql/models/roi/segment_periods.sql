-- purpose: the stretches of days, each named by its first day, that make up each period
-- grain: one row per period and stretch
-- key: period, segment
-- kept: table
-- published: no
select compared_spans.period, compared_spans.from_day as segment
from compared_spans
where compared_spans.is_current
