-- purpose: over the campaigns of a channel, spend and credit are those of channel_roi, to the cent
-- severity: error
-- model: campaign_roi
with both_sides as (
    select
        channel_roi.model,
        channel_roi.channel,
        channel_roi.period,
        coalesce(channel_roi.spend, cast(0 as decimal(18, 2))) as spend,
        channel_roi.leads,
        channel_roi.orders,
        channel_roi.revenue,
        coalesce(channel_roi.margin, cast(0 as decimal(18, 6))) as margin,
        case when channel_roi.margin is null then 1 else 0 end as unknown_of_channel,
        0 as unknown_of_parts
    from channel_roi
    union all
    select
        campaign_roi.model,
        campaign_roi.channel,
        campaign_roi.period,
        -coalesce(campaign_roi.spend, cast(0 as decimal(18, 2))),
        -campaign_roi.leads,
        -campaign_roi.orders,
        -campaign_roi.revenue,
        -coalesce(campaign_roi.margin, cast(0 as decimal(18, 6))),
        0,
        case when campaign_roi.margin is null then 1 else 0 end
    from campaign_roi
)

select both_sides.model, both_sides.channel, both_sides.period, sum(both_sides.spend) as spend, sum(both_sides.revenue) as revenue
from both_sides
group by both_sides.model, both_sides.channel, both_sides.period
having sum(both_sides.spend) <> 0
    or sum(both_sides.leads) <> 0
    or sum(both_sides.orders) <> 0
    or sum(both_sides.revenue) <> 0
    or max(both_sides.unknown_of_channel) <> max(both_sides.unknown_of_parts)
    or (max(both_sides.unknown_of_channel) = 0 and sum(both_sides.margin) <> 0)
