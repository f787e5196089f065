-- purpose: which part each channel plays on the way: whether it opens, accompanies or closes journeys
-- grain: one row per conversion type, period, device on which the path began, with (all), and channel
-- key: conversion_type, period, device_class, channel
-- kept: table
-- published: yes
-- columns:
--   conversion_type: the type
--   period: the period of the conversion, as in channel_roi
--   device_class: the device of the path's first touch, or offline; (all) for all of them
--   channel: the channel
--   is_offline: a call, a store visit or the like
--   conversions: conversions in whose path it stands
--   opened: of these, those whose path it opened
--   closed: of these, those whose path it closed
--   alone: of these, those with no other channel in the path
--   persons: how many persons they are of, counted up to 256: never more than there are
with stood as (
    select
        credit_touches.conversion_id,
        credit_touches.channel,
        max(case when credit_touches.first_touch_weight > 0e0 then 1 else 0 end) as opened,
        max(case when credit_touches.last_touch_weight > 0e0 then 1 else 0 end) as closed
    from credit_touches
    where credit_touches.touch_id <> '(unattributed)'
    group by credit_touches.conversion_id, credit_touches.channel
),

counted as (
    select stood.*, count(*) over (partition by stood.conversion_id) as channels
    from stood
)

select
    journey_cuts.conversion_type,
    periods.period,
    journey_cuts.device_class,
    counted.channel,
    coalesce(channels.is_offline, false) as is_offline,
    count(*) as conversions,
    cast(sum(counted.opened) as bigint) as opened,
    cast(sum(counted.closed) as bigint) as closed,
    cast(sum(case when counted.channels = 1 then 1 else 0 end) as bigint) as alone,
    count(distinct journey_cuts.bucket) as persons
from counted
inner join journey_cuts on journey_cuts.conversion_id = counted.conversion_id
inner join periods on journey_cuts.conversion_date between periods.from_day and periods.to_day
left join channels on channels.channel = counted.channel
group by journey_cuts.conversion_type, periods.period, journey_cuts.device_class, counted.channel, coalesce(channels.is_offline, false)
