-- purpose: source, medium, campaign and channel of each distinct combination of declared traffic
-- grain: one row per traffic key
-- key: traffic_key
-- kept: table
-- published: no
-- Channel is null where the key declares nothing: such an event never cuts a session. The rules are data (the seed
-- channel_rules, after the company's own): a changed rule reclassifies the whole history at the next build.
with distinct_keys as (
    select
        keys.traffic_key,
        nullif(split_part(keys.traffic_key, chr(31), 1), '') as touch_source,
        nullif(split_part(keys.traffic_key, chr(31), 2), '') as touch_medium,
        nullif(split_part(keys.traffic_key, chr(31), 3), '') as touch_campaign,
        nullif(split_part(keys.traffic_key, chr(31), 4), '') as touch_campaign_id,
        nullif(split_part(keys.traffic_key, chr(31), 5), '') as referrer_host,
        nullif(split_part(keys.traffic_key, chr(31), 6), '') as click_id_kind
    from (select distinct event_once.traffic_key from event_once) as keys
),

own_hosts as (
    select distinct distinct_keys.referrer_host
    from distinct_keys
    inner join own_sites
        on distinct_keys.referrer_host = own_sites.site
        or distinct_keys.referrer_host like '%.' || own_sites.site
),

referred as (
    select
        distinct_keys.*,
        case when own_hosts.referrer_host is null then distinct_keys.referrer_host end as foreign_host,
        case
            when distinct_keys.click_id_kind in ('gclid', 'gbraid', 'wbraid') then 'google'
            when distinct_keys.click_id_kind = 'msclkid' then 'bing'
            when distinct_keys.click_id_kind = 'ttclid' then 'tiktok'
            when distinct_keys.click_id_kind = 'li_fat_id' then 'linkedin'
            when distinct_keys.click_id_kind = 'twclid' then 'twitter'
        end as paid_click_source
    from distinct_keys
    left join own_hosts on own_hosts.referrer_host = distinct_keys.referrer_host
),

named as (
    select
        referred.traffic_key,
        referred.touch_campaign,
        referred.touch_campaign_id,
        coalesce(
            referred.touch_source,
            referred.paid_click_source,
            case when referred.click_id_kind = 'fbclid' and host_site.source is null then 'facebook' end,
            host_site.source,
            parent_site.source,
            referred.foreign_host
        ) as source,
        coalesce(
            referred.touch_medium,
            case
                -- A medium of the click or of the referrer, beside another source of UTM, would make a third, untrue one.
                when referred.touch_source is not null
                    and coalesce(utm_site.source, referred.touch_source) <> coalesce(referred.paid_click_source, '') then null
                when referred.paid_click_source in ('google', 'bing') then 'cpc'
                when referred.paid_click_source is not null then 'paid_social'
                when referred.click_id_kind = 'fbclid' then 'social'
                when referred.foreign_host is null then null
                when coalesce(host_site.category, parent_site.category) = 'search' then 'organic'
                when coalesce(host_site.category, parent_site.category) = 'social' then 'social'
                else 'referral'
            end
        ) as medium
    from referred
    left join source_sites as utm_site on utm_site.site = referred.touch_source
    left join source_sites as host_site on host_site.site = referred.foreign_host
    left join source_sites as parent_site
        on parent_site.site = regexp_replace(referred.foreign_host, '^[^.]+\.', '')
),

categorised as (
    select
        named.*,
        lower(coalesce(named.touch_campaign, '')) as campaign_key,
        coalesce(source_sites.category, '') as site_category,
        coalesce(source_sites.source, named.source) as site_source,
        named.source is not null or named.medium is not null or named.touch_campaign is not null
        or named.touch_campaign_id is not null as is_declared
    from named
    left join source_sites on source_sites.site = named.source
),

rules as (
    select rule_no, channel, source, medium, campaign, site_category from company_channel_rules
    union all
    select rule_no, channel, source, medium, campaign, site_category from channel_rules
),

matched as (
    select categorised.traffic_key, min(rules.rule_no) as rule_no
    from categorised
    inner join rules
        on (coalesce(rules.source, '') = '' or regexp_like(coalesce(categorised.source, ''), '(?i)' || rules.source))
        and (coalesce(rules.medium, '') = '' or regexp_like(coalesce(categorised.medium, ''), '(?i)' || rules.medium))
        and (coalesce(rules.campaign, '') = '' or regexp_like(categorised.campaign_key, '(?i)' || rules.campaign))
        and (coalesce(rules.site_category, '') = '' or regexp_like(categorised.site_category, '(?i)' || rules.site_category))
    where categorised.is_declared
    group by categorised.traffic_key
),

-- The list may name a source as the ad account does (google_ads) or as UTM does (google): one list of sites says so.
listed_campaigns as (
    select campaigns.*, coalesce(source_sites.source, campaigns.source) as site_source
    from campaigns
    left join source_sites on source_sites.site = campaigns.source
),

listed as (
    select
        categorised.traffic_key,
        campaigns.channel,
        campaigns.campaign,
        row_number() over (
            partition by categorised.traffic_key
            order by
                case when campaigns.campaign_id = categorised.touch_campaign_id then 0 else 1 end,
                case when coalesce(campaigns.source, '') = '' then 1 else 0 end,
                campaigns.campaign,
                campaigns.channel
        ) as list_no
    from categorised
    inner join listed_campaigns as campaigns
        on (
            coalesce(campaigns.source, '') = ''
            or campaigns.source = categorised.source
            or campaigns.site_source = categorised.site_source
        )
        and (
            (coalesce(campaigns.campaign_id, '') <> '' and campaigns.campaign_id = categorised.touch_campaign_id)
            or (coalesce(campaigns.alias, '') <> '' and campaigns.alias = categorised.campaign_key)
        )
)

select
    categorised.traffic_key,
    categorised.source,
    categorised.medium,
    coalesce(nullif(listed.campaign, ''), categorised.touch_campaign, categorised.touch_campaign_id) as campaign,
    nullif(listed.channel, '') as listed_channel,
    coalesce(nullif(listed.channel, ''), rules.channel) as channel
from categorised
left join matched on matched.traffic_key = categorised.traffic_key
left join rules on rules.rule_no = matched.rule_no
left join listed on listed.traffic_key = categorised.traffic_key and listed.list_no = 1
