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
select
    conversion_journeys.conversion_type,
    periods.period,
    conversion_journeys.first_device,
    conversion_journeys.last_device,
    count(*) as conversions,
    count(distinct conversion_journeys.bucket) as persons
from conversion_journeys
inner join periods on conversion_journeys.conversion_date between periods.from_day and periods.to_day
group by conversion_journeys.conversion_type, periods.period, conversion_journeys.first_device, conversion_journeys.last_device
