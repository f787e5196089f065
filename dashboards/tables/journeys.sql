-- The shapes of journeys. Cells of fewer than 5 persons are left out and flagged.
select
    conversion_type, period, coalesce(device_class, '(all)') as device_class, measure, cast(bucket as double) as bucket,
    persons < 5 as is_hidden,
    case when persons >= 5 then cast(conversions as double) end as conversions
from journey_shapes
where conversion_type in ('lead', 'first_order', 'repeat_order') and strpos(period, ':') = 0
order by conversion_type, period, device_class, measure, bucket
