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
        credit_touches.bucket,
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
    where conversion_facts.conversions = 0
),

taken_back as (
    -- each model (linear)
    select
        'linear' as model,
        refunded.channel,
        refunded.conversion_date as day,
        refunded.bucket,
        sum(cast(round(refunded.linear_weight * 1e12) as bigint)) as refunds,
        sum(-refunded.linear_revenue) as revenue,
        sum(-refunded.linear_margin) as margin,
        count(*) - count(refunded.linear_margin) as unknown_margins
    from refunded
    where refunded.linear_weight > 0e0
    group by refunded.channel, refunded.conversion_date, refunded.bucket
    -- end, joined by union all
)

select
    taken_back.model,
    taken_back.channel,
    periods.period,
    cast(sum(taken_back.refunds) as double) / 1e12 as refunds,
    cast(sum(taken_back.revenue) as decimal(18, 2)) as revenue,
    case when sum(taken_back.unknown_margins) = 0 then cast(sum(taken_back.margin) as decimal(18, 2)) end as margin,
    count(distinct taken_back.bucket) as persons
from taken_back
inner join periods on taken_back.day between periods.from_day and periods.to_day
group by taken_back.model, taken_back.channel, periods.period
union all
select
    taken_back.model,
    '(all)',
    periods.period,
    cast(sum(taken_back.refunds) as double) / 1e12,
    cast(sum(taken_back.revenue) as decimal(18, 2)),
    case when sum(taken_back.unknown_margins) = 0 then cast(sum(taken_back.margin) as decimal(18, 2)) end,
    count(distinct taken_back.bucket)
from taken_back
inner join periods on taken_back.day between periods.from_day and periods.to_day
group by taken_back.model, periods.period
