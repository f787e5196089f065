-- purpose: what returns took back by day, under every model side by side
-- grain: one row per day, channel and word of bits
-- key: day, channel, word
-- kept: incremental
-- partition: day month
-- published: no
-- Weights are summed as whole numbers. A margin is null where nothing is known of it.
select
    credit_touches.conversion_date as day,
    credit_touches.channel,
    -- each model (linear)
    cast(sum(cast(round(credit_touches.linear_weight * 1e12) as bigint)) as bigint) as linear_refunds,
    cast(sum(-credit_touches.linear_revenue) as decimal(18, 6)) as linear_revenue,
    cast(sum(-credit_touches.linear_margin) as decimal(18, 6)) as linear_margin,
    count(case when credit_touches.linear_weight > 0e0 and credit_touches.linear_margin is null then 1 end) as linear_unknown_margins,
    bitwise_or_agg(case when credit_touches.linear_weight > 0e0 then bucket_bits.bit else 0 end) as linear_bits,
    -- end
    bucket_bits.word
from credit_touches
inner join bucket_bits on bucket_bits.bucket = credit_touches.bucket
where credit_touches.conversion_id like 'refund/%'
    and credit_touches.conversion_date >= date '0001-01-01' /* closed before */
group by credit_touches.conversion_date, credit_touches.channel, bucket_bits.word
