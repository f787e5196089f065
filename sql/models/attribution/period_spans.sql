-- purpose: the days cut at every first and last day of a period, so that each period is a whole number of spans
-- grain: one row per span
-- key: span_no
-- kept: table
-- published: no
-- What is summed over the spans need not be summed again for each of the periods, which lie over each other.
with cuts as (
    select periods.from_day as day
    from periods
    union
    select date_add('day', 1, periods.to_day)
    from periods
),

spans as (
    select
        row_number() over (order by cuts.day) as span_no,
        cuts.day as from_day,
        date_add('day', -1, lead(cuts.day) over (order by cuts.day)) as to_day
    from cuts
)

select spans.span_no, spans.from_day, spans.to_day
from spans
where spans.to_day is not null
