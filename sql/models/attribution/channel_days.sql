-- purpose: credit by day under every model side by side; the published table channel_daily is a view over it
-- grain: one row per day, conversion type, channel, device and stage of the touch, with four columns for each model
-- key: day, conversion_type, channel, device_class, stage
-- kept: incremental
-- partition: day month
-- published: no
-- A margin is null where a part of it is unknown. Weights are summed as whole numbers: doubles have another sum in another order.
select
    credit_touches.conversion_date as day,
    credit_touches.conversion_type,
    credit_touches.channel,
    credit_touches.device_class,
    -- each model (linear)
    cast(sum(cast(round(credit_touches.linear_weight * 1e12) as bigint)) as double) / 1e12 as linear_weight,
    cast(sum(credit_touches.linear_conversions) as decimal(18, 6)) as linear_conversions,
    cast(sum(credit_touches.linear_revenue) as decimal(18, 6)) as linear_revenue,
    case
        when count(credit_touches.linear_margin) = count(*) then cast(sum(credit_touches.linear_margin) as decimal(18, 6))
    end as linear_margin,
    -- end
    credit_touches.stage
from credit_touches
where credit_touches.conversion_date >= date '0001-01-01' /* closed before */
group by
    credit_touches.conversion_date,
    credit_touches.conversion_type,
    credit_touches.channel,
    credit_touches.device_class,
    credit_touches.stage
