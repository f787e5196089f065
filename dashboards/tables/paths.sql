-- The most frequent paths. A path walked by fewer than 5 conversions is left out.
select
    conversion_type, path,
    cast(conversions as double) as conversions,
    cast(journeys as double) as journeys,
    cast(margin as double) as margin,
    cast(revenue as double) as revenue,
    cast(median_days as double) as median_days,
    cast(sum(conversions) over (partition by conversion_type) as double) as all_conversions
from paths
where conversion_type in ('lead', 'first_order', 'repeat_order')
qualify conversions >= 5 and row_number() over (partition by conversion_type order by conversions desc, path) <= 60
order by conversion_type, conversions desc, path
