-- purpose: where each conversion's credit went: whatever a reader sees of a channel is a sum over this table
-- grain: one row per conversion, touch and model
-- key: conversion_id, touch_id, model
-- kept: view
-- published: yes
-- columns:
--   conversion_id: the conversion or refund
--   touch_id: the touch that earns; (unattributed) where there was none in the window
--   model: the attribution model
--   conversion_type: the type
--   channel: the touch's channel
--   campaign: the touch's campaign
--   device_class: the touch's device
--   stage: the stage in which the person stood before the touch
--   conversion_date: the conversion's reporting day
--   touch_date: the touch's reporting day
--   weight: the touch's share; the weights of a conversion and model sum to 1
--   conversions: the share of the conversion; 0 for a refund
--   revenue: the share of the revenue, to 6 decimals; the path's last touch takes the remainder, so sums are exact
--   margin: the share of the margin; null where it is unknown
-- A row per touch and model would be three quarters of all that a build writes, so it is stored with the models side by side.
-- each model (linear)
select
    credit_touches.conversion_id,
    credit_touches.touch_id,
    'linear' as model,
    credit_touches.conversion_type,
    credit_touches.channel,
    credit_touches.campaign,
    credit_touches.device_class,
    credit_touches.stage,
    credit_touches.conversion_date,
    credit_touches.touch_date,
    credit_touches.linear_weight as weight,
    credit_touches.linear_conversions as conversions,
    credit_touches.linear_revenue as revenue,
    credit_touches.linear_margin as margin
from credit_touches
where credit_touches.linear_weight > 0e0
-- end, joined by union all
