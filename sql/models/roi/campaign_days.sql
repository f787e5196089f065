-- purpose: credit by day and campaign, under every model side by side
-- grain: one row per day, conversion type, channel, campaign as the touches name it and stage of the touch
-- key: day, conversion_type, channel, campaign, stage
-- kept: incremental
-- partition: day month
-- published: no
select
    credit_touches.conversion_date as day,
    credit_touches.conversion_type,
    credit_touches.channel,
    coalesce(credit_touches.campaign, '') as campaign,
    -- each model (linear)
    count(case when credit_touches.linear_weight > 0e0 then 1 end) as linear_touches,
    cast(sum(credit_touches.linear_conversions) as decimal(18, 6)) as linear_conversions,
    cast(sum(credit_touches.linear_revenue) as decimal(18, 6)) as linear_revenue,
    cast(sum(credit_touches.linear_margin) as decimal(18, 6)) as linear_margin,
    count(case when credit_touches.linear_weight > 0e0 and credit_touches.linear_margin is null then 1 end) as linear_unknown_margins,
    -- end
    credit_touches.stage
from credit_touches
where credit_touches.conversion_type in ('lead', 'first_order', 'repeat_order')
    and credit_touches.conversion_date >= date '0001-01-01' /* closed before */
group by
    credit_touches.conversion_date,
    credit_touches.conversion_type,
    credit_touches.channel,
    coalesce(credit_touches.campaign, ''),
    credit_touches.stage
