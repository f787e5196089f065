-- purpose: each channel's credit in each replicate of the bootstrap, of the models whose intervals come from redrawing buckets
-- grain: one row per conversion type, channel, period and replicate, with three columns for each rule-based model; type (orders)
--   is first and repeat orders together
-- key: conversion_type, channel, period, replicate
-- kept: table
-- published: no
-- A replicate's total is a sum over the buckets that it draws (docs/definitions.md section 6).
with drawn as (
    select
        credit_buckets.span,
        credit_buckets.conversion_type,
        credit_buckets.channel,
        -- each rule model (linear)
        sum(bootstrap_draws.times * credit_buckets.linear_conversions) as linear_conversions,
        sum(bootstrap_draws.times * credit_buckets.linear_revenue) as linear_revenue,
        sum(bootstrap_draws.times * credit_buckets.linear_margin) as linear_margin,
        -- end
        bootstrap_draws.replicate
    from credit_buckets
    inner join bootstrap_draws on bootstrap_draws.bucket = credit_buckets.bucket
    group by
        credit_buckets.span, credit_buckets.conversion_type, credit_buckets.channel, bootstrap_draws.replicate
),

types as (
    select conversion_types.conversion_type, conversion_types.conversion_type as counted_as
    from conversion_types
    union all
    select conversion_types.conversion_type, '(orders)'
    from conversion_types
    where conversion_types.conversion_type in ('first_order', 'repeat_order')
)

select
    types.counted_as as conversion_type,
    drawn.channel,
    period_spans.period,
    -- each rule model (linear)
    sum(drawn.linear_conversions) as linear_conversions,
    sum(drawn.linear_revenue) as linear_revenue,
    sum(drawn.linear_margin) as linear_margin,
    -- end
    drawn.replicate
from drawn
inner join types on types.conversion_type = drawn.conversion_type
inner join period_spans on period_spans.span = drawn.span
group by types.counted_as, drawn.channel, period_spans.period, drawn.replicate
