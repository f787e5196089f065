-- purpose: credit by campaign and moment of the purchase, as channel_roi counts it: all that the tables of money read of it
-- grain: one row per stretch of days, model, channel, campaign and moment
-- key: segment, model, channel, campaign, moment
-- kept: table
-- published: no
-- What no touch earned stands on channel, campaign and moment (unattributed); a touch without a campaign on (not set).
with summed as (
    select
        day_segments.segment,
        credit.model,
        credit.conversion_type,
        credit.channel,
        credit.campaign,
        credit.stage,
        sum(credit.conversions) as conversions,
        sum(credit.revenue) as revenue,
        sum(credit.margin) as margin,
        count(*) - count(credit.margin) as unknown_margins
    from credit
    inner join day_segments on day_segments.day = credit.conversion_date
    where credit.conversion_type in ('lead', 'first_order', 'repeat_order')
    group by
        day_segments.segment, credit.model, credit.conversion_type, credit.channel, credit.campaign, credit.stage
),

named as (
    select
        summed.segment,
        summed.model,
        summed.conversion_type,
        summed.channel,
        case
            when summed.channel = '(unattributed)' then '(unattributed)'
            else coalesce(campaign_names.campaign, nullif(summed.campaign, ''), '(not set)')
        end as campaign,
        coalesce(moments.moment, '(unattributed)') as moment,
        summed.conversions,
        -- A lead is worth nothing by itself.
        case when summed.conversion_type <> 'lead' then summed.revenue else cast(0 as decimal(18, 6)) end as revenue,
        case when summed.conversion_type <> 'lead' then summed.margin else cast(0 as decimal(18, 6)) end as margin,
        case when summed.conversion_type <> 'lead' then summed.unknown_margins else 0 end as unknown_margins
    from summed
    left join moments on moments.stage = summed.stage
    left join campaign_names on campaign_names.campaign_id = summed.campaign
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
