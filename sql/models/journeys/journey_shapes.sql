-- purpose: how people really came: how many contacts, how many days, on how many devices, and whether calls and stores were among the clicks
-- grain: one row per conversion type, period, device on which the path began, with (all), measure and bucket of it
-- key: conversion_type, period, device_class, measure, bucket
-- kept: table
-- published: yes
-- columns:
--   conversion_type: the type
--   period: the period of the conversion, as in channel_roi
--   device_class: the device of the path's first touch, or offline; (all) for all of them
--   measure: touches (in the path), days (from its first touch to its last), devices (kinds of them), or mix
--   bucket: the least of the bucket: 1 to 10 touches, 11 or more; 0, 1, 4, 8, 15, 31 or 61 days and more; 1, 2, 3 devices or more; 0 online only, 1 both, 2 offline only
--   conversions: how many conversions had such a path
--   persons: how many persons they are of, counted up to 256: never more than there are
with placed as (
    select
        journey_measures.conversion_type,
        segment_periods.period,
        journey_measures.device_class,
        journey_measures.measure,
        journey_measures.bucket,
        journey_measures.word,
        bitwise_or_agg(journey_measures.bits) as bits,
        sum(journey_measures.conversions) as conversions
    from journey_measures
    inner join segment_periods on segment_periods.segment = journey_measures.segment
    group by
        journey_measures.conversion_type,
        segment_periods.period,
        journey_measures.device_class,
        journey_measures.measure,
        journey_measures.bucket,
        journey_measures.word
),

cut as (
    select placed.* from placed
    union all
    select
        placed.conversion_type, placed.period, '(all)', placed.measure, placed.bucket, placed.word,
        bitwise_or_agg(placed.bits), sum(placed.conversions)
    from placed
    group by placed.conversion_type, placed.period, placed.measure, placed.bucket, placed.word
)

select
    cut.conversion_type,
    cut.period,
    cut.device_class,
    cut.measure,
    cast(cut.bucket as bigint) as bucket,
    cast(sum(cut.conversions) as bigint) as conversions,
    cast(sum(bit_count(cut.bits, 64)) as bigint) as persons
from cut
group by cut.conversion_type, cut.period, cut.device_class, cut.measure, cut.bucket
