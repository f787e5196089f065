-- purpose: the touches of each conversion's path, with their place in it
-- grain: one row per conversion and touch of its window
-- key: conversion_id, touch_id
-- kept: table
-- published: no
select
    windows.conversion_id,
    touch_facts.touch_id,
    touch_base.seq,
    touch_base.seq - windows.first_seq + 1 as place,
    windows.touches,
    touch_facts.channel,
    touch_facts.campaign,
    touch_facts.device_class,
    touch_facts.stage,
    touch_facts.touch_date,
    windows.last_touch_s - touch_base.at_s as seconds_before_last,
    touch_base.seq = windows.first_seq as is_first,
    touch_base.seq = windows.last_seq as is_last,
    touch_base.seq = coalesce(windows.last_non_direct_seq, windows.last_seq) as is_last_non_direct,
    touch_base.seq = windows.first_seq
    or coalesce(touch_base.seq = windows.lead_seq, false)
    or coalesce(touch_base.seq = windows.opportunity_seq, false) as is_milestone,
    1
    + case when windows.lead_seq > windows.first_seq then 1 else 0 end
    + case
        when windows.opportunity_seq > windows.first_seq
            and (windows.lead_seq is null or windows.opportunity_seq <> windows.lead_seq) then 1
        else 0
    end as milestones
from windows
inner join touch_base
    on touch_base.person_id = windows.person_id
    and touch_base.seq between windows.first_seq and windows.last_seq
inner join touch_facts on touch_facts.touch_id = touch_base.touch_id
