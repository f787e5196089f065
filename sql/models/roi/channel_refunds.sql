-- purpose: what returns cost by channel: refunds, attributed exactly as the orders that they undo
-- grain: one row per model, channel and period with a refund
-- key: model, channel, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel that had the credit for the order, (unattributed), or (all) of them together
--   period: the period of the refund, as in channel_roi
--   refunds: refunds, each shared out by its order's weights
--   revenue: revenue taken back, as a positive amount
--   margin: margin taken back, as a positive amount; null where a part of it is unknown
--   persons: how many persons they are of, counted up to 256: never more than there are
with refunded as (
    select
        credit_touches.channel,
        credit_touches.conversion_date,
        bucket_bits.word,
        bucket_bits.bit,
        -- each model (linear)
        credit_touches.linear_weight,
        credit_touches.linear_revenue,
        credit_touches.linear_margin,
        -- end
        credit_touches.touch_id
    from conversion_facts
    inner join credit_touches
        on credit_touches.conversion_id = conversion_facts.conversion_id
        and credit_touches.conversion_date = conversion_facts.conversion_date
    inner join bucket_bits on bucket_bits.bucket = credit_touches.bucket
    where conversion_facts.conversions = 0
),

taken_back as (
    -- each model (linear)
    select
        'linear' as model,
        refunded.channel,
        refunded.conversion_date as day,
        refunded.word,
        bitwise_or_agg(refunded.bit) as bits,
        sum(cast(round(refunded.linear_weight * 1e12) as bigint)) as refunds,
        sum(-refunded.linear_revenue) as revenue,
        sum(-refunded.linear_margin) as margin,
        count(*) - count(refunded.linear_margin) as unknown_margins
    from refunded
    where refunded.linear_weight > 0e0
    group by refunded.channel, refunded.conversion_date, refunded.word
    -- end, joined by union all
),

placed as (
    select
        taken_back.model,
        taken_back.channel,
        periods.period,
        taken_back.word,
        bitwise_or_agg(taken_back.bits) as bits,
        sum(taken_back.refunds) as refunds,
        sum(taken_back.revenue) as revenue,
        sum(taken_back.margin) as margin,
        sum(taken_back.unknown_margins) as unknown_margins
    from taken_back
    inner join periods on taken_back.day between periods.from_day and periods.to_day
    group by taken_back.model, taken_back.channel, periods.period, taken_back.word
),

cut as (
    select placed.* from placed
    union all
    select
        placed.model, '(all)', placed.period, placed.word, bitwise_or_agg(placed.bits), sum(placed.refunds),
        sum(placed.revenue), sum(placed.margin), sum(placed.unknown_margins)
    from placed
    group by placed.model, placed.period, placed.word
)

select
    cut.model,
    cut.channel,
    cut.period,
    cast(sum(cut.refunds) as double) / 1e12 as refunds,
    cast(sum(cut.revenue) as decimal(18, 2)) as revenue,
    case when sum(cut.unknown_margins) = 0 then cast(sum(cut.margin) as decimal(18, 2)) end as margin,
    cast(sum(bit_count(cut.bits, 64)) as bigint) as persons
from cut
group by cut.model, cut.channel, cut.period
