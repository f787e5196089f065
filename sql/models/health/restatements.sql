-- purpose: what a full refresh moved on days that were closed, so that what was published and what was restated is what stands
-- grain: one row per day, table, model, channel, stage, reason and build that moved it
-- key: day, table_name, model, channel, stage, reason, known_at
-- kept: table
-- reads: touches_published (touch_id varchar, person_id varchar, channel varchar, touch_date date),
--   conversions_published (conversion_id varchar, conversion_type varchar, revenue decimal(18,2), margin decimal(18,2), conversion_date date),
--   stage_entries_published (person_id varchar, stage varchar, entered_at timestamptz),
--   late_facts_published (event_date date),
--   channel_days_published (conversion_type varchar, channel varchar, device_class varchar, stage varchar,
-- each model (linear)
--   linear_weight double, linear_conversions decimal(18,6), linear_revenue decimal(18,6), linear_margin decimal(18,6),
-- end
--   day date),
--   restatements_published (day date, table_name varchar, model varchar, channel varchar, stage varchar, reason varchar, rows bigint,
--   count_before decimal(18,6), count_after decimal(18,6), revenue_before decimal(18,6), revenue_after decimal(18,6),
--   margin_before decimal(18,6), margin_after decimal(18,6), known_at timestamptz)
-- published: yes
-- columns:
--   day: the reporting day that moved
--   table_name: touches, conversions, stage_entries or channel_daily
--   model: the attribution model, for channel_daily; (none) otherwise
--   channel: the channel, for channel_daily and touches; (all) otherwise
--   stage: the stage, for stage_entries; (all) otherwise
--   reason: late facts (one of that day or an earlier one came in after the day was closed), identity, refit (of a day on which nothing
--     but the shares of the fitted models moved), or what had changed
--   rows: how many rows came, went or changed
--   count_before: how many these rows were as published: touches, conversions and refunds, entries, or credited conversions
--   count_after: how many they are now
--   revenue_before: revenue of these rows as it was published
--   revenue_after: revenue of these rows as it stands now
--   margin_before: their margin as it was published, as far as it was known
--   margin_after: their margin as it stands now, as far as it is known
--   known_at: when it was known (UTC)
-- A daily build moves no closed day: it hands on what stands here.
with sides as (
    select
        'touches' as table_name,
        '(none)' as model,
        touches.channel,
        '(all)' as stage,
        touches.touch_date as day,
        touches.touch_id || ' ' || touches.person_id as row_key,
        cast(1 as decimal(18, 6)) as counted,
        cast(0 as decimal(18, 6)) as revenue,
        cast(0 as decimal(18, 6)) as margin,
        1 as side
    from touches
    where touches.touch_date < date '0001-01-01' /* restated before */
    union all
    select
        'touches',
        '(none)',
        touches_published.channel,
        '(all)',
        touches_published.touch_date,
        touches_published.touch_id || ' ' || touches_published.person_id,
        cast(1 as decimal(18, 6)),
        cast(0 as decimal(18, 6)),
        cast(0 as decimal(18, 6)),
        0
    from touches_published
    where touches_published.touch_date < date '0001-01-01' /* restated before */
    union all
    select
        'conversions',
        '(none)',
        '(all)',
        '(all)',
        conversions.conversion_date,
        conversions.conversion_id || ' ' || conversions.conversion_type,
        cast(1 as decimal(18, 6)),
        cast(conversions.revenue as decimal(18, 6)),
        cast(conversions.margin as decimal(18, 6)),
        1
    from conversions
    where conversions.conversion_date < date '0001-01-01' /* restated before */
    union all
    select
        'conversions',
        '(none)',
        '(all)',
        '(all)',
        conversions_published.conversion_date,
        conversions_published.conversion_id || ' ' || conversions_published.conversion_type,
        cast(1 as decimal(18, 6)),
        cast(conversions_published.revenue as decimal(18, 6)),
        cast(conversions_published.margin as decimal(18, 6)),
        0
    from conversions_published
    where conversions_published.conversion_date < date '0001-01-01' /* restated before */
    union all
    select
        'stage_entries',
        '(none)',
        '(all)',
        stage_entries.stage,
        cast(stage_entries.entered_at at time zone 'Europe/Rome' /* time zone */ as date),
        stage_entries.person_id,
        cast(1 as decimal(18, 6)),
        cast(0 as decimal(18, 6)),
        cast(0 as decimal(18, 6)),
        1
    from stage_entries
    where cast(stage_entries.entered_at at time zone 'Europe/Rome' /* time zone */ as date)
        < date '0001-01-01' /* restated before */
    union all
    select
        'stage_entries',
        '(none)',
        '(all)',
        stage_entries_published.stage,
        cast(stage_entries_published.entered_at at time zone 'Europe/Rome' /* time zone */ as date),
        stage_entries_published.person_id,
        cast(1 as decimal(18, 6)),
        cast(0 as decimal(18, 6)),
        cast(0 as decimal(18, 6)),
        0
    from stage_entries_published
    where cast(stage_entries_published.entered_at at time zone 'Europe/Rome' /* time zone */ as date)
        < date '0001-01-01' /* restated before */
    union all
    -- each model (linear)
    select
        'channel_daily',
        'linear',
        channel_days.channel,
        '(all)',
        channel_days.day,
        channel_days.conversion_type || ' ' || channel_days.device_class || ' ' || channel_days.stage,
        channel_days.linear_conversions,
        channel_days.linear_revenue,
        channel_days.linear_margin,
        1
    from channel_days
    where channel_days.day < date '0001-01-01' /* restated before */
        and channel_days.linear_weight > 0e0
    union all
    select
        'channel_daily',
        'linear',
        channel_days_published.channel,
        '(all)',
        channel_days_published.day,
        channel_days_published.conversion_type || ' ' || channel_days_published.device_class || ' '
        || channel_days_published.stage,
        channel_days_published.linear_conversions,
        channel_days_published.linear_revenue,
        channel_days_published.linear_margin,
        0
    from channel_days_published
    where channel_days_published.day < date '0001-01-01' /* restated before */
        and channel_days_published.linear_weight > 0e0
    -- end, joined by union all
),

summed as (
    select
        sides.table_name,
        sides.model,
        sides.channel,
        sides.stage,
        sides.day,
        sides.row_key,
        count(case when sides.side = 0 then 1 end) as rows_before,
        count(case when sides.side = 1 then 1 end) as rows_after,
        count(case when sides.side = 0 then sides.margin end) as margins_before,
        count(case when sides.side = 1 then sides.margin end) as margins_after,
        coalesce(sum(case when sides.side = 0 then sides.counted end), cast(0 as decimal(18, 6))) as count_before,
        coalesce(sum(case when sides.side = 1 then sides.counted end), cast(0 as decimal(18, 6))) as count_after,
        coalesce(sum(case when sides.side = 0 then sides.revenue end), cast(0 as decimal(18, 6))) as revenue_before,
        coalesce(sum(case when sides.side = 1 then sides.revenue end), cast(0 as decimal(18, 6))) as revenue_after,
        coalesce(sum(case when sides.side = 0 then sides.margin end), cast(0 as decimal(18, 6))) as margin_before,
        coalesce(sum(case when sides.side = 1 then sides.margin end), cast(0 as decimal(18, 6))) as margin_after
    from sides
    group by sides.table_name, sides.model, sides.channel, sides.stage, sides.day, sides.row_key
),

-- A share of a fitted model may differ in its sixth decimal where channels came to be numbered otherwise: that is no move.
least_moves as (
    select
        summed.*,
        coalesce(attribution_models.kind, '(none)') as kind,
        case
            when attribution_models.kind = 'data_driven' then cast(0.001 as decimal(18, 6))
            else cast(0.000001 as decimal(18, 6))
        end as least
    from summed
    left join attribution_models on attribution_models.model = summed.model
),

compared as (
    select least_moves.*
    from least_moves
    where least_moves.rows_before <> least_moves.rows_after
        or least_moves.margins_before <> least_moves.margins_after
        or abs(least_moves.count_before - least_moves.count_after) >= least_moves.least
        or abs(least_moves.revenue_before - least_moves.revenue_after) >= least_moves.least
        or abs(least_moves.margin_before - least_moves.margin_after) >= least_moves.least
),

first_late as (
    select min(late_facts_published.event_date) as day
    from late_facts_published
),

-- Days on which more moved than the share of fitted models.
moved_days as (
    select distinct compared.day
    from compared
    where compared.kind <> 'data_driven'
),

reasoned as (
    select
        compared.*,
        case
            when this_build.reason is not null then this_build.reason
            when compared.kind = 'data_driven' and moved_days.day is null then 'refit'
            when first_late.day <= compared.day then 'late facts'
            else 'identity'
        end as reason,
        this_build.known_at
    from compared
    cross join this_build
    cross join first_late
    left join moved_days on moved_days.day = compared.day
)

select
    reasoned.day,
    reasoned.table_name,
    reasoned.model,
    reasoned.channel,
    reasoned.stage,
    reasoned.reason,
    count(*) as rows,
    cast(sum(reasoned.count_before) as decimal(18, 6)) as count_before,
    cast(sum(reasoned.count_after) as decimal(18, 6)) as count_after,
    cast(sum(reasoned.revenue_before) as decimal(18, 6)) as revenue_before,
    cast(sum(reasoned.revenue_after) as decimal(18, 6)) as revenue_after,
    cast(sum(reasoned.margin_before) as decimal(18, 6)) as margin_before,
    cast(sum(reasoned.margin_after) as decimal(18, 6)) as margin_after,
    reasoned.known_at
from reasoned
group by
    reasoned.day,
    reasoned.table_name,
    reasoned.model,
    reasoned.channel,
    reasoned.stage,
    reasoned.reason,
    reasoned.known_at
union all
select
    restatements_published.day,
    restatements_published.table_name,
    restatements_published.model,
    restatements_published.channel,
    restatements_published.stage,
    restatements_published.reason,
    restatements_published.rows,
    restatements_published.count_before,
    restatements_published.count_after,
    restatements_published.revenue_before,
    restatements_published.revenue_after,
    restatements_published.margin_before,
    restatements_published.margin_after,
    restatements_published.known_at
from restatements_published
