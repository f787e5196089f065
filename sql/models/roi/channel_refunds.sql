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
with placed as (
    -- each model (linear)
    select
        'linear' as model,
        refund_days.channel,
        periods.period,
        refund_days.word,
        bitwise_or_agg(refund_days.linear_bits) as bits,
        sum(refund_days.linear_refunds) as refunds,
        sum(refund_days.linear_revenue) as revenue,
        sum(refund_days.linear_margin) as margin,
        sum(refund_days.linear_unknown_margins) as unknown_margins
    from refund_days
    inner join periods on refund_days.day between periods.from_day and periods.to_day
    where refund_days.linear_refunds > 0
    group by refund_days.channel, periods.period, refund_days.word
    -- end, joined by union all
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
