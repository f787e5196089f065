-- purpose: spend that finds no touches and paid touches that find no spend, with the nearest name of the other side
-- grain: one row per kind of finding, name and channel, over the last 90 days
-- key: kind, name, channel
-- kept: table
-- published: yes
-- columns:
--   kind: campaign_without_touches, campaign_without_spend, unknown_campaign_id (a campaign that is a bare number, unknown to costs), touches_without_campaign, campaign_on_other_channel, source_without_touches, source_without_spend, channel_without_touches or channel_without_spend
--   name: the campaign, source or channel
--   nearest_name: name of the other side that it may be meant to be; null where none is near
--   touches: touches under that name
--   spend: spend under that name
--   period: last_90_days
--   channel: the channel that the touches or the spend stand on
--   nearest_channel: channel of the nearest name
--   difference: what tells the two names apart: case, space or punctuation; spelling; or channel
-- Names are compared by their letters a to z and digits, the largest of settings.nearest_names on each side: near is what
-- three in ten changed characters reach (Levenshtein).
with spent as (
    select
        spend_by_campaign.channel,
        spend_by_campaign.campaign,
        coalesce(source_sites.source, spend_by_campaign.source) as source,
        sum(spend_by_campaign.spend) as spend
    from spend_by_campaign
    inner join segment_periods
        on segment_periods.segment = spend_by_campaign.segment
        and segment_periods.period = 'last_90_days'
    left join source_sites on source_sites.site = spend_by_campaign.source
    group by
        spend_by_campaign.channel,
        spend_by_campaign.campaign,
        coalesce(source_sites.source, spend_by_campaign.source)
    having sum(spend_by_campaign.spend) > 0
),

touched as (
    select
        touches_by_campaign.channel,
        touches_by_campaign.campaign,
        coalesce(source_sites.source, touches_by_campaign.source) as source,
        paid_channels.channel is not null as is_paid,
        cast(sum(touches_by_campaign.touches) as bigint) as touches
    from touches_by_campaign
    inner join segment_periods
        on segment_periods.segment = touches_by_campaign.segment
        and segment_periods.period = 'last_90_days'
    left join source_sites on source_sites.site = touches_by_campaign.source
    left join paid_channels on paid_channels.channel = touches_by_campaign.channel
    group by
        touches_by_campaign.channel,
        touches_by_campaign.campaign,
        coalesce(source_sites.source, touches_by_campaign.source),
        paid_channels.channel is not null
),

-- Campaigns.
spent_campaigns as (
    select
        summed.*,
        regexp_replace(lower(summed.campaign), '[^a-z0-9]', '') as name_key,
        row_number() over (order by summed.spend desc, summed.campaign, summed.channel) as name_no
    from (
        select spent.channel, spent.campaign, sum(spent.spend) as spend
        from spent
        where spent.campaign not in ('(not set)', '(fixed costs)')
        group by spent.channel, spent.campaign
    ) as summed
),

touched_campaigns as (
    select
        summed.*,
        regexp_replace(lower(summed.campaign), '[^a-z0-9]', '') as name_key,
        row_number() over (order by summed.touches desc, summed.campaign, summed.channel) as name_no
    from (
        select touched.channel, touched.campaign, touched.is_paid, cast(sum(touched.touches) as bigint) as touches
        from touched
        where touched.campaign <> '(not set)'
        group by touched.channel, touched.campaign, touched.is_paid
    ) as summed
),

alone as (
    select
        'campaign_without_touches' as kind,
        spent_campaigns.channel,
        spent_campaigns.campaign,
        spent_campaigns.name_key,
        spent_campaigns.name_no,
        cast(0 as bigint) as touches,
        spent_campaigns.spend
    from spent_campaigns
    where spent_campaigns.campaign not in (select touched_campaigns.campaign from touched_campaigns)
    union all
    select
        case
            when regexp_like(touched_campaigns.campaign, '^[0-9]{5,}$') then 'unknown_campaign_id'
            else 'campaign_without_spend'
        end,
        touched_campaigns.channel,
        touched_campaigns.campaign,
        touched_campaigns.name_key,
        touched_campaigns.name_no,
        touched_campaigns.touches,
        cast(0 as decimal(18, 2))
    from touched_campaigns
    where touched_campaigns.is_paid
        and touched_campaigns.campaign not in (select spent_campaigns.campaign from spent_campaigns)
),

other_side as (
    select
        'campaign_without_touches' as kind,
        touched_campaigns.channel,
        touched_campaigns.campaign,
        touched_campaigns.name_key,
        touched_campaigns.name_no
    from touched_campaigns
    union all
    select
        'campaign_without_spend',
        spent_campaigns.channel,
        spent_campaigns.campaign,
        spent_campaigns.name_key,
        spent_campaigns.name_no
    from spent_campaigns
),

measured as (
    select
        alone.kind,
        alone.channel,
        alone.campaign,
        other_side.channel as nearest_channel,
        other_side.campaign as nearest_name,
        other_side.name_no,
        cast(length(alone.name_key) as double) as own_length,
        cast(length(other_side.name_key) as double) as other_length,
        levenshtein_distance(alone.name_key, other_side.name_key) as distance
    from alone
    cross join settings
    inner join other_side on other_side.kind = alone.kind
    where alone.name_no <= settings.nearest_names
        and other_side.name_no <= settings.nearest_names
        and length(alone.name_key) >= 3
        and length(other_side.name_key) >= 3
),

nearest as (
    select
        measured.*,
        row_number() over (
            partition by measured.kind, measured.channel, measured.campaign
            order by
                measured.distance,
                case when measured.nearest_channel = measured.channel then 0 else 1 end,
                measured.name_no
        ) as nearest_no
    from measured
    where cast(measured.distance as double) <= 0.3e0 * greatest(measured.own_length, measured.other_length)
),

elsewhere as (
    select
        spent_campaigns.channel,
        spent_campaigns.campaign,
        max(spent_campaigns.spend) as spend,
        cast(sum(touched_campaigns.touches) as bigint) as touches,
        max_by(touched_campaigns.channel, -touched_campaigns.name_no) as nearest_channel
    from spent_campaigns
    inner join touched_campaigns on touched_campaigns.campaign = spent_campaigns.campaign
    group by spent_campaigns.channel, spent_campaigns.campaign
    having max(case when touched_campaigns.channel = spent_campaigns.channel then 1 else 0 end) = 0
),

-- Sources and channels.
channel_spend as (
    select spent.channel, sum(spent.spend) as spend
    from spent
    group by spent.channel
),

findings as (
    select
        alone.kind,
        alone.campaign as name,
        nearest.nearest_name,
        alone.touches,
        alone.spend,
        alone.channel,
        nearest.nearest_channel,
        case
            when nearest.distance = 0 then 'case, space or punctuation'
            when nearest.distance > 0 then 'spelling'
        end as difference
    from alone
    left join nearest
        on nearest.kind = alone.kind
        and nearest.channel = alone.channel
        and nearest.campaign = alone.campaign
        and nearest.nearest_no = 1
    union all
    select
        'campaign_on_other_channel',
        elsewhere.campaign,
        elsewhere.campaign,
        elsewhere.touches,
        elsewhere.spend,
        elsewhere.channel,
        elsewhere.nearest_channel,
        'channel'
    from elsewhere
    union all
    select
        'touches_without_campaign',
        '(not set)',
        cast(null as varchar),
        cast(sum(touched.touches) as bigint),
        cast(0 as decimal(18, 2)),
        touched.channel,
        cast(null as varchar),
        cast(null as varchar)
    from touched
    where touched.is_paid
        and touched.campaign = '(not set)'
    group by touched.channel
    union all
    select
        'source_without_touches',
        spent.source,
        cast(null as varchar),
        cast(0 as bigint),
        sum(spent.spend),
        spent.channel,
        cast(null as varchar),
        cast(null as varchar)
    from spent
    where spent.source <> ''
        and spent.source not in (select touched.source from touched)
    group by spent.source, spent.channel
    union all
    select
        'source_without_spend',
        touched.source,
        cast(null as varchar),
        cast(sum(touched.touches) as bigint),
        cast(0 as decimal(18, 2)),
        touched.channel,
        cast(null as varchar),
        cast(null as varchar)
    from touched
    where touched.is_paid
        and touched.source <> ''
        and touched.source not in (select spent.source from spent)
    group by touched.source, touched.channel
    union all
    select
        'channel_without_touches',
        channel_spend.channel,
        cast(null as varchar),
        cast(0 as bigint),
        channel_spend.spend,
        channel_spend.channel,
        cast(null as varchar),
        cast(null as varchar)
    from channel_spend
    where channel_spend.channel not in (select touched.channel from touched)
    union all
    select
        'channel_without_spend',
        touched.channel,
        cast(null as varchar),
        cast(sum(touched.touches) as bigint),
        cast(0 as decimal(18, 2)),
        touched.channel,
        cast(null as varchar),
        cast(null as varchar)
    from touched
    where touched.is_paid
        and touched.channel not in (select channel_spend.channel from channel_spend)
    group by touched.channel
)

select
    findings.kind,
    findings.name,
    findings.nearest_name,
    findings.touches,
    cast(findings.spend as decimal(18, 2)) as spend,
    'last_90_days' as period,
    findings.channel,
    findings.nearest_channel,
    findings.difference
from findings
