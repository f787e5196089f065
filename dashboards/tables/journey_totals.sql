-- What holds for the journeys of a period together. A share is told only where 5 persons or more stand on either side of it, or none.
with cells as (
    select
        conversion_type, period, coalesce(device_class, '(all)') as device_class, measure, bucket, conversions, persons,
        sum(conversions) over whole as all_conversions,
        sum(conversions) over (whole order by bucket) as so_far
    from journey_shapes
    where conversion_type in ('lead', 'first_order', 'repeat_order') and strpos(period, ':') = 0
    window whole as (partition by conversion_type, period, device_class, measure)
),

shares as (
    select
        conversion_type, period, device_class,
        max(all_conversions) as conversions,
        min(bucket) filter (where measure = 'touches' and so_far * 2 >= all_conversions) as median_touches,
        min(bucket) filter (where measure = 'days' and so_far * 2 >= all_conversions) as median_days,
        coalesce(sum(conversions) filter (where measure = 'devices' and bucket > 1), 0) as switched,
        coalesce(sum(conversions) filter (where measure = 'mix' and bucket = 1), 0) as mixed,
        coalesce(sum(conversions) filter (where measure = 'mix' and bucket = 2), 0) as offline
    from cells
    group by conversion_type, period, device_class
)

select
    conversion_type, period, device_class,
    cast(conversions as double) as conversions,
    cast(median_touches as double) as median_touches,
    cast(median_days as double) as median_days,
    case when switched not between 1 and 4 and conversions - switched not between 1 and 4 then cast(switched as double) / cast(conversions as double) end as switched,
    case when mixed not between 1 and 4 and conversions - mixed not between 1 and 4 then cast(mixed as double) / cast(conversions as double) end as mixed,
    case when offline not between 1 and 4 and conversions - offline not between 1 and 4 then cast(offline as double) / cast(conversions as double) end as offline
from shares
where conversions >= 5
order by conversion_type, period, device_class
