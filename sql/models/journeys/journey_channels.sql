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
),

-- Once per stretch of days and word of bits: what is left to place in the periods is small.
walked as (
    select
        conversion_journeys.conversion_type,
        day_spans.from_day as segment,
        conversion_journeys.first_device as device_class,
        counted.channel,
        bucket_bits.word,
        bitwise_or_agg(bucket_bits.bit) as bits,
        count(*) as conversions,
        sum(counted.opened) as opened,
        sum(counted.closed) as closed,
        sum(case when counted.channels = 1 then 1 else 0 end) as alone
    from counted
    inner join conversion_journeys on conversion_journeys.conversion_id = counted.conversion_id
    inner join day_spans on day_spans.day = conversion_journeys.conversion_date
    inner join bucket_bits on bucket_bits.bucket = conversion_journeys.bucket
    group by
        conversion_journeys.conversion_type,
        day_spans.from_day,
        conversion_journeys.first_device,
        counted.channel,
        bucket_bits.word
),

placed as (
    select
        walked.conversion_type,
        segment_periods.period,
        walked.device_class,
        walked.channel,
        walked.word,
        bitwise_or_agg(walked.bits) as bits,
        sum(walked.conversions) as conversions,
        sum(walked.opened) as opened,
        sum(walked.closed) as closed,
        sum(walked.alone) as alone
    from walked
    inner join segment_periods on segment_periods.segment = walked.segment
    group by walked.conversion_type, segment_periods.period, walked.device_class, walked.channel, walked.word
),

cut as (
    select placed.* from placed
    union all
    select
        placed.conversion_type, placed.period, '(all)', placed.channel, placed.word, bitwise_or_agg(placed.bits),
        sum(placed.conversions), sum(placed.opened), sum(placed.closed), sum(placed.alone)
    from placed
    group by placed.conversion_type, placed.period, placed.channel, placed.word
)

select
    cut.conversion_type,
    cut.period,
    cut.device_class,
    cut.channel,
    coalesce(channels.is_offline, false) as is_offline,
    cast(sum(cut.conversions) as bigint) as conversions,
    cast(sum(cut.opened) as bigint) as opened,
    cast(sum(cut.closed) as bigint) as closed,
    cast(sum(cut.alone) as bigint) as alone,
    cast(sum(bit_count(cut.bits, 64)) as bigint) as persons
from cut
left join channels on channels.channel = cut.channel
group by cut.conversion_type, cut.period, cut.device_class, cut.channel, coalesce(channels.is_offline, false)
