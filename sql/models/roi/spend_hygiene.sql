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
-- Names are compared by their letters and digits (spend_names), the largest of settings.nearest_names on each side: near is what
-- three in ten changed characters reach (Levenshtein).
with alone as (
    select
        case
            when spend_names.side = 'spent' then spend_names.name_of || '_without_touches'
            when spend_names.name_of = 'campaign' and regexp_like(spend_names.name, '^[0-9]{5,}$') then 'unknown_campaign_id'
            else spend_names.name_of || '_without_spend'
        end as kind,
        spend_names.*,
        length(spend_names.name_key) as key_length
    from spend_names
    where spend_names.is_named
        and not spend_names.is_on_both_sides
        and (spend_names.side = 'spent' or spend_names.is_paid)
),

measured as (
    select
        alone.kind,
        alone.channel,
        alone.name,
        other_side.channel as nearest_channel,
        other_side.name as nearest_name,
        other_side.name_no,
        cast(greatest(alone.key_length, length(other_side.name_key)) as double) as longest,
        levenshtein_distance(alone.name_key, other_side.name_key) as distance
    from alone
    cross join settings
    inner join spend_names as other_side on other_side.name_of = alone.name_of
    where alone.kind <> 'unknown_campaign_id'
        and other_side.side <> alone.side
        and other_side.is_named
        and alone.name_no <= settings.nearest_names
        and other_side.name_no <= settings.nearest_names
        and alone.key_length >= 3
        and length(other_side.name_key) >= 3
        -- No two names are nearer than their lengths are; distances take the time here.
        and cast(abs(alone.key_length - length(other_side.name_key)) as double)
        <= 0.3e0 * cast(greatest(alone.key_length, length(other_side.name_key)) as double)
),

nearest as (
    select
        measured.*,
        row_number() over (
            partition by measured.kind, measured.channel, measured.name
            order by
                measured.distance,
                case when measured.nearest_channel = measured.channel then 0 else 1 end,
                measured.name_no
        ) as nearest_no
    from measured
    where cast(measured.distance as double) <= 0.3e0 * measured.longest
),

elsewhere as (
    select
        spent_names.channel,
        spent_names.name,
        max(spent_names.spend) as spend,
        cast(sum(touched_names.touches) as bigint) as touches,
        max_by(touched_names.channel, -touched_names.name_no) as nearest_channel
    from spend_names as spent_names
    inner join spend_names as touched_names on touched_names.name = spent_names.name
    where spent_names.side = 'spent'
        and spent_names.name_of = 'campaign'
        and spent_names.is_named
        and touched_names.side = 'touched'
        and touched_names.name_of = 'campaign'
        and touched_names.is_named
    group by spent_names.channel, spent_names.name
    having max(case when touched_names.channel = spent_names.channel then 1 else 0 end) = 0
),

channels as (
    select
        spend_names.channel,
        spend_names.is_paid,
        cast(sum(spend_names.touches) as bigint) as touches,
        sum(spend_names.spend) as spend,
        min(spend_names.side) as one_side,
        max(spend_names.side) as other_side
    from spend_names
    where spend_names.name_of = 'campaign'
    group by spend_names.channel, spend_names.is_paid
),

findings as (
    select
        alone.kind,
        alone.name,
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
        and nearest.name = alone.name
        and nearest.nearest_no = 1
    -- a source that met the other side by its campaigns may be spelt otherwise there, but lacks nothing
    where nearest.name is not null
        or not alone.has_met
    union all
    select
        'campaign_on_other_channel',
        elsewhere.name,
        elsewhere.name,
        elsewhere.touches,
        elsewhere.spend,
        elsewhere.channel,
        elsewhere.nearest_channel,
        'channel'
    from elsewhere
    union all
    select
        'touches_without_campaign',
        spend_names.name,
        cast(null as varchar),
        spend_names.touches,
        spend_names.spend,
        spend_names.channel,
        cast(null as varchar),
        cast(null as varchar)
    from spend_names
    where spend_names.side = 'touched'
        and spend_names.name_of = 'campaign'
        and spend_names.is_paid
        and not spend_names.is_named
    union all
    select
        case when channels.one_side = 'spent' then 'channel_without_touches' else 'channel_without_spend' end,
        channels.channel,
        cast(null as varchar),
        channels.touches,
        channels.spend,
        channels.channel,
        cast(null as varchar),
        cast(null as varchar)
    from channels
    where channels.one_side = channels.other_side
        and (channels.one_side = 'spent' or channels.is_paid)
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
