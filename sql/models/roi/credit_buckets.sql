-- purpose: credit by bucket of persons, of the models whose intervals come from redrawing buckets
-- grain: one row per span of days, conversion type, channel and bucket, with three columns for each rule-based model
-- key: span_no, conversion_type, channel, bucket
-- kept: table
-- published: no
-- Doubles: they tell how far figures spread, and are no ledger. What is summed has six decimals, so a sum that is rounded to six
-- again is the same in any order.
select
    day_spans.span_no,
    credit_touches.conversion_type,
    credit_touches.channel,
    -- each rule model (linear)
    round(sum(cast(credit_touches.linear_conversions as double)), 6) as linear_conversions,
    round(sum(cast(credit_touches.linear_revenue as double)), 6) as linear_revenue,
    round(sum(cast(credit_touches.linear_margin as double)), 6) as linear_margin,
    -- end
    credit_touches.bucket
from credit_touches
inner join day_spans on day_spans.day = credit_touches.conversion_date
group by day_spans.span_no, credit_touches.conversion_type, credit_touches.channel, credit_touches.bucket
