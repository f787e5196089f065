-- purpose: credit by day, for charts and for sums over any days
-- grain: one row per day, model, conversion type, channel, device and stage of the touch
-- key: day, model, conversion_type, channel, device_class, stage
-- kept: view
-- published: yes
-- columns:
--   day: the conversion's reporting day
--   model: the attribution model
--   conversion_type: the type
--   channel: the touch's channel, or (unattributed)
--   device_class: the touch's device
--   stage: the stage in which the person stood before the touch
--   conversions: credited conversions
--   revenue: credited revenue
--   margin: credited margin; null where a part of it is unknown
-- each model (linear)
select
    channel_days.day,
    'linear' as model,
    channel_days.conversion_type,
    channel_days.channel,
    channel_days.device_class,
    channel_days.stage,
    channel_days.linear_conversions as conversions,
    channel_days.linear_revenue as revenue,
    channel_days.linear_margin as margin
from channel_days
where channel_days.linear_weight > 0e0
-- end, joined by union all
