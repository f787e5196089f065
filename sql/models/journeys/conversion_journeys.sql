-- purpose: the shape of each conversion's path: how long, over how many devices, by which channels it opened and closed
-- grain: one row per conversion with a touch in its window; refunds have none
-- key: conversion_id
-- kept: incremental
-- partition: conversion_date month
-- published: no
with walked as (
    select
        credit_touches.conversion_id,
        credit_touches.conversion_type,
        credit_touches.conversion_date,
        credit_touches.bucket,
        count(*) as touches,
        count(distinct credit_touches.device_class) as devices,
        max(case when credit_touches.first_touch_weight > 0e0 then credit_touches.device_class end) as first_device,
        max(case when credit_touches.last_touch_weight > 0e0 then credit_touches.device_class end) as last_device,
        max(case when credit_touches.device_class = 'offline' then 1 else 0 end) as has_offline,
        max(case when credit_touches.device_class <> 'offline' then 1 else 0 end) as has_online
    from credit_touches
    where credit_touches.touch_id <> '(unattributed)'
        and credit_touches.conversion_date >= date '0001-01-01' /* closed before */
    group by credit_touches.conversion_id, credit_touches.conversion_type, credit_touches.conversion_date, credit_touches.bucket
)

-- A refund has no window of its own, so it is no journey.
select
    walked.conversion_id,
    walked.conversion_type,
    walked.conversion_date,
    walked.bucket,
    walked.touches,
    (windows.last_touch_s - first_touches.at_s) / 86400e0 as days,
    walked.devices,
    walked.first_device,
    walked.last_device,
    case when walked.has_offline = 0 then 'online' when walked.has_online = 0 then 'offline' else 'both' end as mix
from walked
inner join windows on windows.conversion_id = walked.conversion_id
inner join touch_base as first_touches
    on first_touches.person_id = windows.person_id
    and first_touches.seq = windows.first_seq
