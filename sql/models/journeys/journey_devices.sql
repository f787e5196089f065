-- purpose: on which device journeys begin, and on which they end
-- grain: one row per conversion type, period, first and last device of the path
-- key: conversion_type, period, first_device, last_device
-- kept: table
-- published: yes
-- columns:
--   conversion_type: the type
--   period: the period of the conversion, as in channel_roi
--   first_device: the device of the path's first touch, or offline
--   last_device: the device of its last touch, or offline
--   conversions: how many conversions had such a path
--   persons: how many persons they are of, counted up to 256: never more than there are
with walked as (
    select
        conversion_journeys.conversion_type,
        day_spans.from_day as segment,
        conversion_journeys.first_device,
        conversion_journeys.last_device,
        bucket_bits.word,
        bitwise_or_agg(bucket_bits.bit) as bits,
        count(*) as conversions
    from conversion_journeys
    inner join day_spans on day_spans.day = conversion_journeys.conversion_date
    inner join bucket_bits on bucket_bits.bucket = conversion_journeys.bucket
    group by
        conversion_journeys.conversion_type,
        day_spans.from_day,
        conversion_journeys.first_device,
        conversion_journeys.last_device,
        bucket_bits.word
),

placed as (
    select
        walked.conversion_type,
        segment_periods.period,
        walked.first_device,
        walked.last_device,
        walked.word,
        bitwise_or_agg(walked.bits) as bits,
        sum(walked.conversions) as conversions
    from walked
    inner join segment_periods on segment_periods.segment = walked.segment
    group by walked.conversion_type, segment_periods.period, walked.first_device, walked.last_device, walked.word
)

select
    placed.conversion_type,
    placed.period,
    placed.first_device,
    placed.last_device,
    cast(sum(placed.conversions) as bigint) as conversions,
    cast(sum(bit_count(placed.bits, 64)) as bigint) as persons
from placed
group by placed.conversion_type, placed.period, placed.first_device, placed.last_device
