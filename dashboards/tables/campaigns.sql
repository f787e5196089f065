-- apart: model
-- The campaigns behind each channel: the largest 200 by spend, then by margin.
select
    model, period, channel, campaign,
    cast(spend as double) as spend,
    case when orders >= 5 or orders = 0 then cast(orders as double) end as orders,
    case when orders >= 5 or orders = 0 then cast(revenue as double) end as revenue,
    case when orders >= 5 or orders = 0 then cast(margin as double) end as margin,
    case when orders >= 5 then roi end as roi,
    orders > 0 and orders < 5 as is_hidden
from campaign_roi
where campaign is not null and strpos(period, ':') = 0
qualify row_number() over (partition by model, period order by coalesce(spend, 0) desc, coalesce(margin, 0) desc, campaign) <= 200
order by model, period, channel, campaign
