-- purpose: which span each day belongs to: days that the same periods cover, so that a period is a few whole spans
-- grain: one row per day
-- key: day
-- kept: table
-- published: no
-- Months and years are whole months, and the rolling periods lie one in another: month and number of periods tell a span.
select
    calendar.day,
    date_format(calendar.day, '%Y-%m') || '/' || cast(count(*) as varchar) as span
from calendar
inner join periods on calendar.day between periods.from_day and periods.to_day
group by calendar.day
