-- purpose: the campaigns and sources of spend and of touches by name, with what each name is compared by: spend_hygiene pairs them
-- grain: one row per side, what the name is of, channel and name, over the last 90 days
-- key: side, name_of, channel, name
-- kept: table
-- published: no
-- The side is spent or touched, name_of is campaign or source. What only says that there is no name is not is_named. name_no counts
-- the names of a side, the largest first. A name that the other side has too, on whichever channel, is_on_both_sides. A source of which the other
-- side has a campaign has_met it: one platform bills for several sites. name_key has the letters, of any script, and the digits of a name.
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
        sum(touches_by_campaign.touches) as touches
    from touches_by_campaign
    inner join segment_periods
        on segment_periods.segment = touches_by_campaign.segment
        and segment_periods.period = 'last_90_days'
    left join source_sites on source_sites.site = touches_by_campaign.source
    group by
        touches_by_campaign.channel,
        touches_by_campaign.campaign,
        coalesce(source_sites.source, touches_by_campaign.source)
),

met as (
    select distinct spent.channel, spent.campaign
    from spent
    inner join touched on touched.channel = spent.channel and touched.campaign = spent.campaign
    where spent.campaign not in ('(not set)', '(fixed costs)')
),

names as (
    select
        'spent' as side,
        'campaign' as name_of,
        spent.channel,
        spent.campaign as name,
        spent.campaign not in ('(not set)', '(fixed costs)') as is_named,
        false as has_met,
        cast(0 as bigint) as touches,
        cast(sum(spent.spend) as decimal(18, 2)) as spend
    from spent
    group by spent.channel, spent.campaign
    union all
    select
        'spent',
        'source',
        spent.channel,
        spent.source,
        spent.source <> '',
        count(met.campaign) > 0,
        cast(0 as bigint),
        cast(sum(spent.spend) as decimal(18, 2))
    from spent
    left join met on met.channel = spent.channel and met.campaign = spent.campaign
    group by spent.channel, spent.source
    union all
    select
        'touched',
        'campaign',
        touched.channel,
        touched.campaign,
        touched.campaign <> '(not set)',
        false,
        cast(sum(touched.touches) as bigint),
        cast(0 as decimal(18, 2))
    from touched
    group by touched.channel, touched.campaign
    union all
    select
        'touched',
        'source',
        touched.channel,
        touched.source,
        touched.source <> '',
        count(met.campaign) > 0,
        cast(sum(touched.touches) as bigint),
        cast(0 as decimal(18, 2))
    from touched
    left join met on met.channel = touched.channel and met.campaign = touched.campaign
    group by touched.channel, touched.source
)

select
    names.side,
    names.name_of,
    names.channel,
    names.name,
    names.is_named,
    paid_channels.channel is not null as is_paid,
    names.touches,
    names.spend,
    regexp_replace(lower(names.name), '[^\p{L}\p{M}\p{N}]', '') as name_key,
    row_number() over (
        partition by names.side, names.name_of, names.is_named
        order by names.spend desc, names.touches desc, names.name, names.channel
    ) as name_no,
    names.has_met,
    min(names.side) over same_name <> max(names.side) over same_name as is_on_both_sides
from names
left join paid_channels on paid_channels.channel = names.channel
window same_name as (partition by names.name_of, names.is_named, names.name)
