-- purpose: what was spent on media, by day and ad key, in the reporting currency
-- grain: one row per day and ad key
-- key: cost_date, source, account, channel, campaign_id, ad_group
-- kept: table
-- published: yes
-- partition: cost_date month
-- columns:
--   cost_date: the day
--   source: the source that told of it
--   account: the ad account
--   channel: the channel, by the company's list of campaigns, else by the source
--   campaign_id: the platform's id of the campaign
--   ad_group: the ad group, set or ad
--   campaign: the campaign's name
--   impressions: times shown
--   clicks: clicks
--   spend: spend in the reporting currency
--   platform_conversions: conversions that the platform claims for itself; never summed with ours
--   platform_value: their value as the platform claims it
with distinct_campaigns as (
    select distinct
        stg_costs.source,
        coalesce(source_sites.source, lower(stg_costs.source)) as site_source,
        stg_costs.campaign_id,
        lower(stg_costs.campaign) as alias
    from stg_costs
    cross join horizon
    left join source_sites on source_sites.site = lower(stg_costs.source)
    where stg_costs.cost_date <= horizon.as_of_day
),

listed_campaigns as (
    select campaigns.*, coalesce(source_sites.source, campaigns.source) as site_source
    from campaigns
    left join source_sites on source_sites.site = campaigns.source
),

listed as (
    select
        distinct_campaigns.source,
        distinct_campaigns.campaign_id,
        distinct_campaigns.alias,
        campaigns.channel,
        campaigns.campaign,
        row_number() over (
            partition by distinct_campaigns.source, distinct_campaigns.campaign_id, distinct_campaigns.alias
            order by
                case when campaigns.campaign_id = distinct_campaigns.campaign_id then 0 else 1 end,
                case when coalesce(campaigns.source, '') = '' then 1 else 0 end,
                campaigns.campaign,
                campaigns.channel
        ) as list_no
    from distinct_campaigns
    inner join listed_campaigns as campaigns
        on (
            coalesce(campaigns.source, '') = ''
            or campaigns.source = lower(distinct_campaigns.source)
            or campaigns.site_source = distinct_campaigns.site_source
        )
        and (
            (coalesce(campaigns.campaign_id, '') <> '' and campaigns.campaign_id = distinct_campaigns.campaign_id)
            or (coalesce(campaigns.alias, '') <> '' and campaigns.alias = distinct_campaigns.alias)
        )
),

named as (
    select
        stg_costs.cost_date,
        stg_costs.source,
        stg_costs.account,
        coalesce(nullif(listed.channel, ''), stg_costs.channel, 'Unassigned') as channel,
        stg_costs.campaign_id,
        stg_costs.ad_group,
        coalesce(nullif(listed.campaign, ''), stg_costs.campaign) as campaign,
        stg_costs.impressions,
        stg_costs.clicks,
        case
            when fx_days.rate = 1e0 then stg_costs.billed_spend
            else cast(round(cast(stg_costs.billed_spend as double) * fx_days.rate, 6) as decimal(18, 6))
        end as spend,
        stg_costs.platform_conversions,
        case
            when fx_days.rate = 1e0 then stg_costs.billed_platform_value
            else cast(round(cast(stg_costs.billed_platform_value as double) * fx_days.rate, 6) as decimal(18, 6))
        end as platform_value
    from stg_costs
    cross join horizon
    left join fx_days on fx_days.currency = stg_costs.currency and fx_days.day = stg_costs.cost_date
    left join listed
        on listed.source = stg_costs.source
        and listed.campaign_id = stg_costs.campaign_id
        and listed.alias = lower(stg_costs.campaign)
        and listed.list_no = 1
    where stg_costs.cost_date <= horizon.as_of_day
)

select
    named.cost_date,
    named.source,
    named.account,
    named.channel,
    named.campaign_id,
    named.ad_group,
    max(named.campaign) as campaign,
    cast(round(sum(named.impressions)) as bigint) as impressions,
    cast(round(sum(named.clicks)) as bigint) as clicks,
    cast(round(sum(named.spend), 2) as decimal(18, 2)) as spend,
    cast(sum(cast(round(named.platform_conversions * 1e6) as bigint)) as double) / 1e6 as platform_conversions,
    cast(round(sum(named.platform_value), 2) as decimal(18, 2)) as platform_value
from named
group by named.cost_date, named.source, named.account, named.channel, named.campaign_id, named.ad_group
