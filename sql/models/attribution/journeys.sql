-- purpose: every journey, converting or not, with all that the counts of the data-driven models need of it
-- grain: one row per conversion with a touch, and per lost journey; types to which the same touches are lost share a row
-- key: person_no, last_seq, first_seq, is_converting, conversion_id, type_bits
-- kept: table
-- published: no
-- A path is packed: six bits a channel number, ten touches a whole number, the last touch in the lowest bits of path_1;
-- path_1 to path_3 hold the last thirty touches.
with converted as (
    select
        windows.conversion_id,
        windows.conversion_type,
        type_bits.type_bit,
        person_numbers.person_no,
        person_numbers.bucket,
        windows.first_seq,
        windows.last_seq
    from windows
    inner join person_numbers on person_numbers.person_id = windows.person_id
    inner join type_bits on type_bits.conversion_type = windows.conversion_type
    where windows.touches > 0
),

ranges as (
    select converted.person_no, converted.first_seq as from_seq, converted.last_seq, -1e18 as from_s
    from converted
    union
    select lost_journeys.person_no, lost_journeys.from_seq, lost_journeys.last_seq, lost_journeys.from_s
    from lost_journeys
),

steps as (
    select
        ranges.*,
        touch_steps.seq,
        touch_steps.at_s,
        touch_steps.bit,
        touch_steps.channel_no,
        ranges.last_seq - touch_steps.seq as place
    from ranges
    inner join touch_steps
        on touch_steps.person_no = ranges.person_no
        and touch_steps.seq between ranges.from_seq and ranges.last_seq
        and touch_steps.at_s >= ranges.from_s
),

walks as (
    select
        steps.person_no,
        steps.from_seq,
        steps.last_seq,
        steps.from_s,
        min(steps.seq) as first_seq,
        min(steps.at_s) as first_touch_s,
        bitwise_or_agg(steps.bit) as coalition,
        cast(
            sum(case when steps.place < 10 then bitwise_left_shift(steps.channel_no, cast(6 * steps.place as integer)) else 0 end)
            as bigint
        ) as path_1,
        cast(
            sum(
                case
                    when steps.place between 10 and 19 then
                        bitwise_left_shift(steps.channel_no, cast(6 * (steps.place - 10) as integer))
                    else 0
                end
            ) as bigint
        ) as path_2,
        cast(
            sum(
                case
                    when steps.place between 20 and 29 then
                        bitwise_left_shift(steps.channel_no, cast(6 * (steps.place - 20) as integer))
                    else 0
                end
            ) as bigint
        ) as path_3
    from steps
    group by steps.person_no, steps.from_seq, steps.last_seq, steps.from_s
)

select
    converted.conversion_type,
    converted.conversion_id,
    converted.type_bit as type_bits,
    true as is_converting,
    converted.person_no,
    converted.bucket,
    walks.first_seq,
    walks.last_seq,
    walks.last_seq - walks.first_seq + 1 as touches,
    walks.coalition,
    walks.path_1,
    walks.path_2,
    walks.path_3,
    conversion_facts.at_s - walks.first_touch_s as seconds,
    conversion_facts.revenue,
    conversion_facts.margin,
    conversion_facts.conversion_date as end_date,
    date_trunc('month', conversion_facts.conversion_date) as end_month
from converted
inner join walks
    on walks.person_no = converted.person_no
    and walks.from_seq = converted.first_seq
    and walks.last_seq = converted.last_seq
    and walks.from_s = -1e18
inner join conversion_facts on conversion_facts.conversion_id = converted.conversion_id
union all
select
    cast(null as varchar),
    cast(null as varchar),
    lost_journeys.type_bits,
    false,
    lost_journeys.person_no,
    lost_journeys.bucket,
    walks.first_seq,
    walks.last_seq,
    walks.last_seq - walks.first_seq + 1,
    walks.coalition,
    walks.path_1,
    walks.path_2,
    walks.path_3,
    cast(null as double),
    cast(null as decimal(18, 2)),
    cast(null as decimal(18, 2)),
    lost_journeys.end_date,
    date_trunc('month', lost_journeys.end_date)
from lost_journeys
inner join walks
    on walks.person_no = lost_journeys.person_no
    and walks.from_seq = lost_journeys.from_seq
    and walks.last_seq = lost_journeys.last_seq
    and walks.from_s = lost_journeys.from_s
