-- purpose: what a full refresh moved on days that were closed, so that what was published and what was restated is what stands
-- grain: one row per day, table, model, channel, reason and build that moved it
-- key: day, table_name, model, channel, reason, known_at
-- kept: table
-- reads: touches_published (touch_id varchar, person_id varchar, channel varchar, touch_date date),
--   conversions_published (conversion_id varchar, conversion_type varchar, revenue decimal(18,2), conversion_date date),
--   late_facts_published (event_date date),
--   channel_days_published (day date, conversion_type varchar, channel varchar, device_class varchar, stage varchar,
-- each model (linear)
--   linear_weight double, linear_revenue decimal(18,6),
-- end
--   linear_conversions decimal(18,6)),
--   restatements_published (day date, table_name varchar, model varchar, channel varchar, reason varchar, rows bigint,
--   revenue_before decimal(18,6), revenue_after decimal(18,6), known_at timestamptz)
-- published: yes
-- columns:
--   day: the reporting day that moved
--   table_name: touches, conversions or channel_daily
--   model: the attribution model, for channel_daily; (none) otherwise
--   channel: the channel, for channel_daily and touches; (all) otherwise
--   reason: late facts (one of that day or an earlier one came in after the day was closed), identity, or what had changed
--   rows: how many rows came, went or changed
--   revenue_before: revenue of these rows as it was published
--   revenue_after: revenue of these rows as it stands now
--   known_at: when it was known (UTC)
-- A daily build moves no closed day: it hands on what stands here.
with sides as (
    select
        'touches' as table_name,
        '(none)' as model,
        touches.channel,
        touches.touch_date as day,
        touches.touch_id || ' ' || touches.person_id as row_key,
        cast(0 as decimal(18, 6)) as revenue,
        1 as side
    from touches
    where touches.touch_date < date '0001-01-01' /* restated before */
    union all
    select
        'touches',
        '(none)',
        touches_published.channel,
        touches_published.touch_date,
        touches_published.touch_id || ' ' || touches_published.person_id,
        cast(0 as decimal(18, 6)),
        0
    from touches_published
    where touches_published.touch_date < date '0001-01-01' /* restated before */
    union all
    select
        'conversions',
        '(none)',
        '(all)',
        conversions.conversion_date,
        conversions.conversion_id || ' ' || conversions.conversion_type,
        cast(conversions.revenue as decimal(18, 6)),
        1
    from conversions
    where conversions.conversion_date < date '0001-01-01' /* restated before */
    union all
    select
        'conversions',
        '(none)',
        '(all)',
        conversions_published.conversion_date,
        conversions_published.conversion_id || ' ' || conversions_published.conversion_type,
        cast(conversions_published.revenue as decimal(18, 6)),
        0
    from conversions_published
    where conversions_published.conversion_date < date '0001-01-01' /* restated before */
    union all
    -- each model (linear)
    select
        'channel_daily',
        'linear',
        channel_days.channel,
        channel_days.day,
        channel_days.conversion_type || ' ' || channel_days.device_class || ' ' || channel_days.stage,
        channel_days.linear_revenue,
        1
    from channel_days
    where channel_days.day < date '0001-01-01' /* restated before */
        and channel_days.linear_weight > 0e0
    union all
    select
        'channel_daily',
        'linear',
        channel_days_published.channel,
        channel_days_published.day,
        channel_days_published.conversion_type || ' ' || channel_days_published.device_class || ' '
        || channel_days_published.stage,
        channel_days_published.linear_revenue,
        0
    from channel_days_published
    where channel_days_published.day < date '0001-01-01' /* restated before */
        and channel_days_published.linear_weight > 0e0
    -- end, joined by union all
),

compared as (
    select
        sides.table_name,
        sides.model,
        sides.channel,
        sides.day,
        sides.row_key,
        coalesce(sum(case when sides.side = 0 then sides.revenue end), cast(0 as decimal(18, 6))) as revenue_before,
        coalesce(sum(case when sides.side = 1 then sides.revenue end), cast(0 as decimal(18, 6))) as revenue_after
    from sides
    group by sides.table_name, sides.model, sides.channel, sides.day, sides.row_key
    having count(case when sides.side = 0 then 1 end) <> count(case when sides.side = 1 then 1 end)
        -- Shares of credit may differ in their sixth decimal from run to run.
        or abs(
            coalesce(sum(case when sides.side = 0 then sides.revenue end), cast(0 as decimal(18, 6)))
            - coalesce(sum(case when sides.side = 1 then sides.revenue end), cast(0 as decimal(18, 6)))
        ) >= cast(0.001 as decimal(18, 6))
),

first_late as (
    select min(late_facts_published.event_date) as day
    from late_facts_published
),

reasoned as (
    select
        compared.*,
        coalesce(this_build.reason, case when first_late.day <= compared.day then 'late facts' else 'identity' end) as reason,
        this_build.known_at
    from compared
    cross join this_build
    cross join first_late
)

select
    reasoned.day,
    reasoned.table_name,
    reasoned.model,
    reasoned.channel,
    reasoned.reason,
    count(*) as rows,
    cast(sum(reasoned.revenue_before) as decimal(18, 6)) as revenue_before,
    cast(sum(reasoned.revenue_after) as decimal(18, 6)) as revenue_after,
    reasoned.known_at
from reasoned
group by
    reasoned.day, reasoned.table_name, reasoned.model, reasoned.channel, reasoned.reason, reasoned.known_at
union all
select
    restatements_published.day,
    restatements_published.table_name,
    restatements_published.model,
    restatements_published.channel,
    restatements_published.reason,
    restatements_published.rows,
    restatements_published.revenue_before,
    restatements_published.revenue_after,
    restatements_published.known_at
from restatements_published
