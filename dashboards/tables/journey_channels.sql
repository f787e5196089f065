-- Which part each channel plays in journeys. Cells of fewer than 5 persons are left out and flagged.
select
    conversion_type, period, coalesce(device_class, '(all)') as device_class, channel, is_offline,
    persons < 5 as is_hidden,
    case when persons >= 5 then cast(conversions as double) end as conversions,
    case when persons >= 5 then cast(opened as double) end as opened,
    case when persons >= 5 then cast(closed as double) end as closed,
    case when persons >= 5 then cast(alone as double) end as alone
from journey_channels
where conversion_type in ('lead', 'first_order', 'repeat_order') and strpos(period, ':') = 0
order by conversion_type, period, device_class, channel
