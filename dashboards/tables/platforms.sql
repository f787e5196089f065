-- What the advertising platforms claim for themselves beside ours, month by month. Never summed.
select
    channel, month,
    cast(platform_conversions as double) as platform_conversions,
    case when our_conversions >= 5 or our_conversions = 0 then cast(our_conversions as double) end as our_conversions,
    case when our_conversions >= 5 then cast(ratio as double) end as ratio,
    cast(platform_value as double) as platform_value,
    case when our_conversions >= 5 then cast(our_revenue as double) end as our_revenue
from platform_comparison
order by month desc, channel
