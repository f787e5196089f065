-- purpose: credit by campaign and moment of the purchase, as channel_roi counts it: all that the tables of money read of it
-- grain: one row per stretch of days, model, channel, campaign and moment
-- key: segment, model, channel, campaign, moment
-- kept: table
-- published: no
-- What no touch earned stands on channel, campaign and moment (unattributed); a touch without a campaign on (not set).
with summed as (
    select
        day_spans.from_day as segment,
        campaign_days.conversion_type,
        campaign_days.channel,
        campaign_days.campaign,
        -- each model (linear)
        sum(campaign_days.linear_touches) as linear_touches,
        sum(campaign_days.linear_conversions) as linear_conversions,
        sum(campaign_days.linear_revenue) as linear_revenue,
        sum(campaign_days.linear_margin) as linear_margin,
        sum(campaign_days.linear_unknown_margins) as linear_unknown_margins,
        -- end
        campaign_days.stage
    from campaign_days
    inner join day_spans on day_spans.day = campaign_days.day
    group by
        day_spans.from_day,
        campaign_days.conversion_type,
        campaign_days.channel,
        campaign_days.campaign,
        campaign_days.stage
),

credited as (
    -- each model (linear)
    select
        summed.segment,
        'linear' as model,
        summed.conversion_type,
        summed.channel,
        summed.campaign,
        summed.stage,
        summed.linear_conversions as conversions,
        summed.linear_revenue as revenue,
        summed.linear_margin as margin,
        summed.linear_unknown_margins as unknown_margins
    from summed
    where summed.linear_touches > 0
    -- end, joined by union all
),

named as (
    select
        credited.segment,
        credited.model,
        credited.conversion_type,
        credited.channel,
        case
            when credited.channel = '(unattributed)' then '(unattributed)'
            else coalesce(campaign_names.campaign, nullif(credited.campaign, ''), '(not set)')
        end as campaign,
        coalesce(moments.moment, '(unattributed)') as moment,
        credited.conversions,
        -- A lead is worth nothing by itself.
        case when credited.conversion_type <> 'lead' then credited.revenue else cast(0 as decimal(18, 6)) end as revenue,
        case when credited.conversion_type <> 'lead' then credited.margin else cast(0 as decimal(18, 6)) end as margin,
        case when credited.conversion_type <> 'lead' then credited.unknown_margins else 0 end as unknown_margins
    from credited
    left join moments on moments.stage = credited.stage
    left join campaign_names on campaign_names.campaign_id = credited.campaign
)

select
    named.segment,
    named.model,
    named.channel,
    named.campaign,
    named.moment,
    cast(sum(case when named.conversion_type = 'lead' then named.conversions else cast(0 as decimal(18, 6)) end) as decimal(18, 6))
        as leads,
    cast(sum(case when named.conversion_type = 'first_order' then named.conversions else cast(0 as decimal(18, 6)) end) as decimal(18, 6))
        as first_orders,
    cast(sum(case when named.conversion_type <> 'lead' then named.conversions else cast(0 as decimal(18, 6)) end) as decimal(18, 6))
        as orders,
    cast(sum(named.revenue) as decimal(18, 6)) as revenue,
    cast(coalesce(sum(named.margin), cast(0 as decimal(18, 6))) as decimal(18, 6)) as margin,
    sum(named.unknown_margins) > 0 as has_unknown_margin
from named
group by named.segment, named.model, named.channel, named.campaign, named.moment
