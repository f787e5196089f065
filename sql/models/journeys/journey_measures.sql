-- purpose: how many conversions had a path of each length, in each stretch of days, and of which buckets of persons they were
-- grain: one row per conversion type, stretch of days, first device, word of bits, measure and bucket of it
-- key: conversion_type, segment, device_class, word, measure, bucket
-- kept: table
-- published: no
-- Once per stretch of days: what is left to place in the periods, which lie over each other, is small.
with measured as (
    select
        conversion_journeys.conversion_type,
        day_spans.from_day as segment,
        conversion_journeys.first_device as device_class,
        bucket_bits.word,
        bucket_bits.bit,
        measures.measure,
        case measures.measure
            when 'touches' then least(conversion_journeys.touches, 11)
            when 'devices' then least(conversion_journeys.devices, 3)
            when 'mix' then case conversion_journeys.mix when 'online' then 0 when 'both' then 1 else 2 end
            else case
                when conversion_journeys.days < 1e0 then 0
                when conversion_journeys.days < 4e0 then 1
                when conversion_journeys.days < 8e0 then 4
                when conversion_journeys.days < 15e0 then 8
                when conversion_journeys.days < 31e0 then 15
                when conversion_journeys.days < 61e0 then 31
                else 61
            end
        end as bucket
    from conversion_journeys
    inner join day_spans on day_spans.day = conversion_journeys.conversion_date
    inner join bucket_bits on bucket_bits.bucket = conversion_journeys.bucket
    cross join (values ('touches'), ('days'), ('devices'), ('mix')) as measures (measure)
)

select
    measured.conversion_type,
    measured.segment,
    measured.device_class,
    measured.word,
    measured.measure,
    measured.bucket,
    bitwise_or_agg(measured.bit) as bits,
    count(*) as conversions
from measured
group by
    measured.conversion_type, measured.segment, measured.device_class, measured.word, measured.measure, measured.bucket
