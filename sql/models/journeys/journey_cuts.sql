-- purpose: each conversion's path twice, for all devices together and for the device on which it began
-- grain: one row per conversion with a touch in its window, and cut
-- key: conversion_id, device_class
-- kept: table
-- published: no
-- A table of its own, since Trino reckons what journey_shapes asks four times, once a measure, each time anew.
select
    conversion_journeys.conversion_id,
    conversion_journeys.conversion_type,
    conversion_journeys.conversion_date,
    conversion_journeys.bucket,
    conversion_journeys.touches,
    conversion_journeys.days,
    conversion_journeys.devices,
    conversion_journeys.mix,
    coalesce(cuts.device_class, conversion_journeys.first_device) as device_class
from conversion_journeys
cross join (values ('(all)'), (cast(null as varchar))) as cuts (device_class)
