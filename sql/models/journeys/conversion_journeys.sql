-- purpose: the shape of each conversion's path: how long, over how many devices, by which channels it opened and closed
-- grain: one row per conversion with a touch in its window; refunds have none
-- key: conversion_id
-- kept: table
-- published: no
with walked as (
    select
        path_touches.conversion_id,
        count(*) as touches,
        max(path_touches.seconds_before_last) / 86400e0 as days,
        count(distinct path_touches.device_class) as devices,
        max(case when path_touches.is_first then path_touches.device_class end) as first_device,
        max(case when path_touches.is_last then path_touches.device_class end) as last_device,
        max(case when path_touches.device_class = 'offline' then 1 else 0 end) as has_offline,
        max(case when path_touches.device_class <> 'offline' then 1 else 0 end) as has_online
    from path_touches
    group by path_touches.conversion_id
)

select
    walked.conversion_id,
    conversion_facts.conversion_type,
    conversion_facts.conversion_date,
    coalesce(person_stages.bucket, 256) as bucket,
    walked.touches,
    walked.days,
    walked.devices,
    walked.first_device,
    walked.last_device,
    case when walked.has_offline = 0 then 'online' when walked.has_online = 0 then 'offline' else 'both' end as mix
from walked
inner join conversion_facts on conversion_facts.conversion_id = walked.conversion_id
left join person_stages on person_stages.person_id = conversion_facts.person_id
