-- purpose: each touch with the numbers of its channel and of the two touches before it: what a step of a chain is made of
-- grain: one row per touch
-- key: person_no, seq
-- kept: table
-- published: no
select
    person_numbers.person_no,
    touch_base.seq,
    touch_base.at_s,
    touch_base.touch_date,
    channel_numbers.bit,
    channel_numbers.channel_no,
    lag(channel_numbers.channel_no, 1) over person_touches as previous_no,
    lag(channel_numbers.channel_no, 2) over person_touches as before_previous_no,
    lead(touch_base.at_s) over person_touches as next_s
from touch_base
inner join person_numbers on person_numbers.person_id = touch_base.person_id
inner join channel_numbers on channel_numbers.channel = touch_base.channel
window person_touches as (partition by person_numbers.person_no order by touch_base.seq)
