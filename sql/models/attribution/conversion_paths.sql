-- purpose: the set of channels along each conversion's path
-- grain: one row per conversion with a touch
-- key: conversion_id
-- kept: incremental
-- partition: conversion_date month
-- published: no
-- A touch of a channel without a number (channel_numbers) adds no bit.
select
    windows.conversion_id,
    windows.conversion_type,
    windows.conversion_date,
    date_trunc('month', windows.conversion_date) as month,
    bitwise_or_agg(coalesce(channel_numbers.bit, 0)) as coalition
from windows
inner join touch_base
    on touch_base.person_id = windows.person_id
    and touch_base.seq between windows.first_seq and windows.last_seq
left join channel_numbers on channel_numbers.channel = touch_base.channel
group by windows.conversion_id, windows.conversion_type, windows.conversion_date
