-- purpose: what conversions and refunds were worth, by bucket of persons and set of channels: all that the bootstrap of a model asks
-- grain: one row per conversion type, fit that spreads them, span of days, set of channels and bucket
-- key: conversion_type, fit_month, span_no, coalition, bucket
-- kept: table
-- published: no
-- A refund is shared as its order was: it has its order's channels and fit, and its own day. What no fit spreads has its own
-- month. Coalition 0 is unattributed. Money of unknown margin counts for nothing in the margin.
-- Money is summed in decimals, which have one sum in whatever order.
select
    conversion_facts.conversion_type,
    coalesce(fit_months.fit_month, date_trunc('month', conversion_facts.conversion_date)) as fit_month,
    period_spans.span_no,
    coalesce(conversion_paths.coalition, 0) as coalition,
    conversion_facts.bucket,
    cast(sum(conversion_facts.conversions) as double) as conversions,
    cast(sum(conversion_facts.revenue) as double) as revenue,
    coalesce(cast(sum(conversion_facts.margin) as double), 0e0) as margin
from conversion_facts
inner join period_spans on conversion_facts.conversion_date between period_spans.from_day and period_spans.to_day
left join conversion_paths on conversion_paths.conversion_id = conversion_facts.origin_id
left join fit_months
    on fit_months.conversion_type = conversion_paths.conversion_type
    and fit_months.month = conversion_paths.month
group by
    conversion_facts.conversion_type,
    coalesce(fit_months.fit_month, date_trunc('month', conversion_facts.conversion_date)),
    period_spans.span_no,
    coalesce(conversion_paths.coalition, 0),
    conversion_facts.bucket
