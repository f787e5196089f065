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
        journey_cuts.conversion_type,
        periods.period,
        journey_cuts.device_class,
        journey_cuts.bucket as person_bucket,
        least(journey_cuts.touches, 11) as touches,
        case
            when journey_cuts.days < 1e0 then 0
            when journey_cuts.days < 4e0 then 1
            when journey_cuts.days < 8e0 then 4
            when journey_cuts.days < 15e0 then 8
            when journey_cuts.days < 31e0 then 15
            when journey_cuts.days < 61e0 then 31
            else 61
        end as days,
        least(journey_cuts.devices, 3) as devices,
        case journey_cuts.mix when 'online' then 0 when 'both' then 1 else 2 end as mix
    from journey_cuts
    inner join periods on journey_cuts.conversion_date between periods.from_day and periods.to_day
),

counted as (
    select placed.conversion_type, placed.period, placed.device_class, 'touches' as measure, placed.touches as bucket, count(*) as conversions, count(distinct placed.person_bucket) as persons
    from placed
    group by placed.conversion_type, placed.period, placed.device_class, placed.touches
    union all
    select placed.conversion_type, placed.period, placed.device_class, 'days', placed.days, count(*), count(distinct placed.person_bucket)
    from placed
    group by placed.conversion_type, placed.period, placed.device_class, placed.days
    union all
    select placed.conversion_type, placed.period, placed.device_class, 'devices', placed.devices, count(*), count(distinct placed.person_bucket)
    from placed
    group by placed.conversion_type, placed.period, placed.device_class, placed.devices
    union all
    select placed.conversion_type, placed.period, placed.device_class, 'mix', placed.mix, count(*), count(distinct placed.person_bucket)
    from placed
    group by placed.conversion_type, placed.period, placed.device_class, placed.mix
)

select
    counted.conversion_type,
    counted.period,
    counted.device_class,
    counted.measure,
    cast(counted.bucket as bigint) as bucket,
    counted.conversions,
    counted.persons
from counted
