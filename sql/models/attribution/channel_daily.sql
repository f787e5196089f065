-- purpose: credit by day, for charts and for sums over any days
-- grain: one row per day, model, conversion type, channel, device and stage of the touch
-- key: day, model, conversion_type, channel, device_class, stage
-- kept: table
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
select
    credit.conversion_date as day,
    credit.model,
    credit.conversion_type,
    credit.channel,
    credit.device_class,
    credit.stage,
    cast(sum(credit.conversions) as decimal(18, 6)) as conversions,
    cast(sum(credit.revenue) as decimal(18, 6)) as revenue,
    case when count(credit.margin) = count(*) then cast(sum(credit.margin) as decimal(18, 6)) end as margin
from credit
group by
    credit.conversion_date, credit.model, credit.conversion_type, credit.channel, credit.device_class, credit.stage
