-- purpose: the ways that people took over channels, with how many of them converted and what that was worth
-- grain: one row per conversion type and distinct path
-- key: conversion_type, path
-- kept: refreshed
-- published: yes
-- columns:
--   conversion_type: the type of conversion
--   path: the channels in the order of their touches, with ` > ` between; of more than thirty touches the last thirty, after `...`
--   conversions: conversions of the type at the end of such a path
--   journeys: journeys along it, converting or not
--   revenue: of its conversions
--   margin: of its conversions; null where one of them is unknown
--   median_days: half of its conversions took at most so many days from the first touch on; null without one
with packed as (
    select journeys.*, journeys.touches > 30 as is_cut
    from journeys
),

walked as (
    select
        packed.type_bits,
        packed.path_1,
        packed.path_2,
        packed.path_3,
        packed.is_cut,
        count(packed.conversion_id) as conversions,
        count(*) as journeys,
        sum(packed.revenue) as revenue,
        count(packed.margin) as known_margins,
        sum(packed.margin) as margin
    from packed
    group by packed.type_bits, packed.path_1, packed.path_2, packed.path_3, packed.is_cut
),

counted as (
    select
        type_bits.conversion_type,
        walked.path_1,
        walked.path_2,
        walked.path_3,
        walked.is_cut,
        cast(sum(walked.conversions) as bigint) as conversions,
        cast(sum(walked.journeys) as bigint) as journeys,
        coalesce(sum(walked.revenue), cast(0 as decimal(18, 2))) as revenue,
        case
            when sum(walked.known_margins) = sum(walked.conversions) then
                coalesce(sum(walked.margin), cast(0 as decimal(18, 2)))
        end as margin
    from walked
    inner join type_bits on mod(walked.type_bits / type_bits.type_bit, 2) = 1
    group by type_bits.conversion_type, walked.path_1, walked.path_2, walked.path_3, walked.is_cut
),

waited as (
    select
        packed.conversion_type,
        packed.path_1,
        packed.path_2,
        packed.path_3,
        packed.is_cut,
        packed.seconds,
        row_number() over by_seconds as place,
        count(*) over same_path as conversions
    from packed
    where packed.is_converting
    window
        same_path as (
            partition by packed.conversion_type, packed.path_1, packed.path_2, packed.path_3, packed.is_cut
        ),
        by_seconds as (
            partition by packed.conversion_type, packed.path_1, packed.path_2, packed.path_3, packed.is_cut
            order by packed.seconds
        )
),

names as (
    select array_agg(numbered.numbered_as order by numbered.channel_no) as names
    from (select distinct channel_numbers.channel_no, channel_numbers.numbered_as from channel_numbers) as numbered
),

pieces as (
    select counted.path_1 as piece
    from counted
    union
    select counted.path_2
    from counted
    union
    select counted.path_3
    from counted
),

texts as (
    select
        pieces.piece,
        case when pieces.piece >= 18014398509481984 then element_at(names.names, cast(mod(pieces.piece / 18014398509481984, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 281474976710656 then element_at(names.names, cast(mod(pieces.piece / 281474976710656, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 4398046511104 then element_at(names.names, cast(mod(pieces.piece / 4398046511104, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 68719476736 then element_at(names.names, cast(mod(pieces.piece / 68719476736, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 1073741824 then element_at(names.names, cast(mod(pieces.piece / 1073741824, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 16777216 then element_at(names.names, cast(mod(pieces.piece / 16777216, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 262144 then element_at(names.names, cast(mod(pieces.piece / 262144, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 4096 then element_at(names.names, cast(mod(pieces.piece / 4096, 64) as integer)) || ' > ' else '' end
        || case when pieces.piece >= 64 then element_at(names.names, cast(mod(pieces.piece / 64, 64) as integer)) || ' > ' else '' end
        || element_at(names.names, cast(mod(pieces.piece, 64) as integer)) as path
    from pieces
    cross join names
    where pieces.piece > 0
)

select
    counted.conversion_type,
    case when counted.is_cut then '... > ' else '' end
    || coalesce(earliest.path || ' > ', '')
    || coalesce(earlier.path || ' > ', '')
    || latest.path as path,
    counted.conversions,
    counted.journeys,
    cast(counted.revenue as decimal(18, 2)) as revenue,
    cast(counted.margin as decimal(18, 2)) as margin,
    waited.seconds / 86400e0 as median_days
from counted
inner join texts as latest on latest.piece = counted.path_1
left join texts as earlier on earlier.piece = counted.path_2
left join texts as earliest on earliest.piece = counted.path_3
left join waited
    on waited.conversion_type = counted.conversion_type
    and waited.path_1 = counted.path_1
    and waited.path_2 = counted.path_2
    and waited.path_3 = counted.path_3
    and waited.is_cut = counted.is_cut
    and waited.place = (waited.conversions + 1) / 2
