-- purpose: a number and a bit for each channel, so that a set of channels, a state of a chain and a path are whole numbers
-- grain: one row per channel that has a touch
-- key: channel
-- kept: accumulated
-- reads: channel_numbers_stored (channel varchar, numbered_as varchar, channel_no bigint, bit bigint)
-- published: no
-- The number is the rank by touches, then by name. Sixty numbers fit a whole number of 63 bits: where there are more
-- channels, the least frequent share the last number, whose name is then `(other)`.
-- Numbers stay until the next full refresh, since sets of channels of closed days are stored by them. A new channel takes the next
-- one; where sixty have a name of their own it waits for the refresh.
with met as (
    select touch_base.channel, count(*) as touches
    from touch_base
    group by touch_base.channel
),

taken as (
    select
        coalesce(max(channel_numbers_stored.channel_no), 0) as numbers,
        count(case when channel_numbers_stored.channel_no = 60 and channel_numbers_stored.numbered_as <> '(other)' then 1 end) as named
    from channel_numbers_stored
),

ranked as (
    select
        met.channel,
        taken.numbers + row_number() over (order by met.touches desc, met.channel) as rank_no,
        taken.numbers + count(*) over () as channels
    from met
    cross join taken
    left join channel_numbers_stored on channel_numbers_stored.channel = met.channel
    where channel_numbers_stored.channel is null
        and taken.named = 0
),

numbered as (
    select
        ranked.channel,
        case when ranked.channels > 60 and ranked.rank_no >= 60 then '(other)' else ranked.channel end as numbered_as,
        case when ranked.channels > 60 and ranked.rank_no >= 60 then cast(60 as bigint) else ranked.rank_no end as channel_no
    from ranked
)

select
    numbered.channel,
    numbered.numbered_as,
    numbered.channel_no,
    cast(round(power(2e0, numbered.channel_no - 1)) as bigint) as bit
from numbered
union all
select
    channel_numbers_stored.channel,
    channel_numbers_stored.numbered_as,
    channel_numbers_stored.channel_no,
    channel_numbers_stored.bit
from channel_numbers_stored
