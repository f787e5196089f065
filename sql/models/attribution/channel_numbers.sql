-- purpose: a number and a bit for each channel, so that a set of channels, a state of a chain and a path are whole numbers
-- grain: one row per channel that has a touch
-- key: channel
-- kept: refreshed
-- published: no
-- The number is the rank by touches, then by name. Sixty numbers fit a whole number of 63 bits: where there are more
-- channels, the least frequent share the last number, whose name is then `(other)`.
with ranked as (
    select
        counted.channel,
        row_number() over (order by counted.touches desc, counted.channel) as rank_no,
        count(*) over () as channels
    from (
        select touch_base.channel, count(*) as touches
        from touch_base
        group by touch_base.channel
    ) as counted
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
