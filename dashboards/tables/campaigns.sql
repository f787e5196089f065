-- apart: model
-- The campaigns behind each channel: the largest 200 by spend, then by margin. Persons are not counted by campaign, but a first order is one
-- person's: figures are shown where 5 or more are credited, or nothing at all is.
select
    model, period, channel, campaign,
    (orders <> 0 or leads <> 0 or revenue <> 0) and first_orders < 5 as is_hidden,
    cast(spend as double) as spend,
    case when not is_hidden then cast(orders as double) end as orders,
    case when not is_hidden then cast(revenue as double) end as revenue,
    case when not is_hidden then cast(margin as double) end as margin,
    case when not is_hidden then roi end as roi
from campaign_roi
where campaign is not null and strpos(period, ':') = 0
qualify row_number() over (partition by model, period order by coalesce(spend, 0) desc, coalesce(margin, 0) desc, campaign) <= 200
order by model, period, channel, campaign
