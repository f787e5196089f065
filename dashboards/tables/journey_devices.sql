-- On which device journeys begin and end. Cells of fewer than 5 persons are left out and flagged.
select
    conversion_type, period, first_device, last_device,
    persons < 5 as is_hidden,
    case when persons >= 5 then cast(conversions as double) end as conversions
from journey_devices
where conversion_type in ('lead', 'first_order', 'repeat_order') and strpos(period, ':') = 0
order by conversion_type, period, first_device, last_device
