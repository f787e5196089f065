-- purpose: what is worth saying of each period, as numbers: which findings there are, and the parts of which their sentences are made
-- grain: one row per finding
-- key: finding_id
-- kept: table
-- published: no
-- Money in money_a to money_h, numbers of orders or persons in count_m and count_n, shares in share_p to share_s: the sentences of
-- sql/seeds/finding_texts.csv name them by their last letter. A stake is a share of the margin (of the revenue, of the persons) at stake.
with spans as (
    select
        periods.period,
        periods.from_day,
        periods.to_day,
        case when periods.previous_from_day >= horizon.first_day then periods.previous_from_day end as previous_from_day,
        case when periods.previous_from_day >= horizon.first_day then periods.previous_to_day end as previous_to_day
    from periods
    cross join horizon
),

judged as (
    select
        channel_roi.period,
        channel_roi.channel,
        channel_roi.spend,
        channel_roi.margin,
        channel_roi.roi,
        channel_roi.roi_low,
        channel_roi.roi_high,
        channel_roi.previous_roi,
        channel_roi.verdict,
        cast(sum(abs(channel_roi.margin)) over (partition by channel_roi.period) as double) as whole_margin,
        coalesce(credit_persons.persons, 0) not between 1 and 4 as is_shown
    from channel_roi
    inner join settings on settings.default_model = channel_roi.model
    left join credit_persons
        on credit_persons.model = channel_roi.model
        and credit_persons.channel = channel_roi.channel
        and credit_persons.period = channel_roi.period
        and credit_persons.device_class = '(all)'
        and credit_persons.moment = '(all)'
),

whole as (
    select judged.period, max(judged.whole_margin) as margin
    from judged
    group by judged.period
),

-- A period's usual comparison by its name: the same days of the year before for the calendar's, the days before for the others.
earlier as (
    select
        spans.period,
        case when length(spans.period) in (4, 7) then coalesce(cut.period, of_year.period) else before.period end as earlier_period
    from spans
    left join spans as cut on cut.period = spans.period || ':year'
    left join spans as of_year
        on of_year.period = cast(try_cast(substr(spans.period, 1, 4) as bigint) - 1 as varchar) || substr(spans.period, 5)
        and length(spans.period) in (4, 7)
    left join spans as before on before.period = spans.period || ':before'
    where spans.previous_from_day is not null
),

verdicts as (
    select judged.*, before.verdict as previous_verdict, before.roi as roi_before
    from judged
    inner join earlier on earlier.period = judged.period
    inner join judged as before
        on before.period = earlier.earlier_period
        and before.channel = judged.channel
    where before.verdict <> judged.verdict
        and before.is_shown
        and (before.verdict in ('earns', 'loses') or judged.verdict in ('earns', 'loses'))
),

revenues as (
    select
        spans.period,
        cast(
            sum(case when channel_daily.day >= spans.from_day and channel_daily.channel = '(unattributed)' then channel_daily.revenue end)
            as double
        ) as lost,
        cast(sum(case when channel_daily.day >= spans.from_day then channel_daily.revenue end) as double) as revenue,
        cast(
            sum(
                case
                    when channel_daily.day <= spans.previous_to_day and channel_daily.channel = '(unattributed)' then channel_daily.revenue
                    when channel_daily.day <= spans.previous_to_day then cast(0 as decimal(18, 6))
                end
            )
            as double
        ) as previous_lost,
        cast(sum(case when channel_daily.day <= spans.previous_to_day then channel_daily.revenue end) as double) as previous_revenue
    from spans
    inner join channel_daily
        on channel_daily.day between spans.from_day and spans.to_day
        or channel_daily.day between spans.previous_from_day and spans.previous_to_day
    inner join settings on settings.default_model = channel_daily.model
    where channel_daily.conversion_type in ('first_order', 'repeat_order')
    group by spans.period
),

-- A month belongs to a period where it began in it; each window counts where it is over.
months as (
    select
        spans.period,
        stage_conversion.stage,
        month_days.first_day >= spans.from_day as is_current,
        stage_conversion.entered,
        stage_conversion.advanced_7d,
        stage_conversion.advanced_30d,
        stage_conversion.advanced_90d
    from spans
    inner join (
        select distinct stage_conversion.cohort_month, try_cast(stage_conversion.cohort_month || '-01' as date) as first_day
        from stage_conversion
        where stage_conversion.cohort_month <> '(all)'
    ) as month_days
        on month_days.first_day between spans.from_day and spans.to_day
        or month_days.first_day between spans.previous_from_day and spans.previous_to_day
    inner join stage_conversion on stage_conversion.cohort_month = month_days.cohort_month
    where stage_conversion.channel = '(all)'
        and stage_conversion.device_class = '(all)'
),

windowed as (
    select
        months.period,
        months.stage,
        months.is_current,
        months.entered,
        lengths.days,
        case lengths.days
            when 7 then months.advanced_7d
            when 30 then months.advanced_30d
            else months.advanced_90d
        end as advanced
    from months
    cross join (values (7), (30), (90)) as lengths (days)
),

steps as (
    select
        windowed.period,
        windowed.stage,
        windowed.days,
        cast(sum(case when windowed.is_current then windowed.entered end) as double) as entered,
        cast(sum(case when windowed.is_current then windowed.advanced end) as double) as advanced,
        cast(sum(case when not windowed.is_current then windowed.entered end) as double) as previous_entered,
        cast(sum(case when not windowed.is_current then windowed.advanced end) as double) as previous_advanced,
        max(windowed.days) over (partition by windowed.period) as longest_days
    from windowed
    where windowed.advanced is not null
    group by windowed.period, windowed.stage, windowed.days
    having sum(case when windowed.is_current then windowed.entered end) > 0
),

narrowest as (
    select
        steps.*,
        steps.advanced / steps.entered as share,
        steps.previous_advanced / nullif(steps.previous_entered, 0e0) as previous_share,
        -- Wilson's 90 % interval of a share, which stands also where none or all went on
        (steps.advanced + 0.5e0 * 1.645e0 * 1.645e0) / (steps.entered + 1.645e0 * 1.645e0) as middle,
        1.645e0 * sqrt(steps.advanced * (1e0 - steps.advanced / steps.entered) + 0.25e0 * 1.645e0 * 1.645e0)
        / (steps.entered + 1.645e0 * 1.645e0) as half_width,
        row_number() over (partition by steps.period order by steps.advanced / steps.entered, steps.stage) as place
    from steps
    cross join settings
    where steps.days = steps.longest_days
        and steps.entered >= settings.thin_conversions
),

-- A change is that of the orders at the margin per order of before, that of the margin per order at today's orders, and that of what
-- returns took back; the words name the largest of them.
moved as (
    select
        margin_changes.*,
        margin_changes.margin + margin_changes.returned as order_margin,
        margin_changes.previous_margin + margin_changes.previous_returned as previous_order_margin,
        coalesce(
            (margin_changes.orders - margin_changes.previous_orders)
            * (margin_changes.previous_margin + margin_changes.previous_returned) / nullif(margin_changes.previous_orders, 0e0),
            margin_changes.margin + margin_changes.returned
        ) as by_orders,
        margin_changes.previous_returned - margin_changes.returned as by_returns,
        case when margin_changes.change > 0e0 then 1e0 else -1e0 end as direction
    from margin_changes
),

explained as (
    select
        moved.*,
        case
            when moved.previous_orders <= 0e0 and moved.previous_returned = 0e0 then 'cause_new'
            when moved.orders <= 0e0 and moved.returned = 0e0 then 'cause_gone'
            when moved.direction * moved.by_returns > 0e0
                and moved.direction * moved.by_returns >= moved.direction * moved.by_orders
                and moved.direction * moved.by_returns
                >= moved.direction * (moved.order_margin - moved.previous_order_margin - moved.by_orders)
                then case when moved.direction > 0e0 then 'cause_fewer_returns' else 'cause_more_returns' end
            when (moved.direction > 0e0) = (moved.orders > moved.previous_orders)
                and moved.direction * moved.by_orders
                >= moved.direction * (moved.order_margin - moved.previous_order_margin - moved.by_orders)
                then case when moved.direction > 0e0 then 'cause_more_orders' else 'cause_fewer_orders' end
            when moved.direction > 0e0 then 'cause_higher_margin'
            else 'cause_lower_margin'
        end as cause
    from moved
),

found as (
    select
        'change/' || explained.period || '/' || explained.channel as finding_id,
        explained.period,
        case when explained.change_low > 0e0 or explained.change_high < 0e0 then 'change_sure' else 'change_unsure' end as kind,
        explained.channel as subject,
        'margin' as measure,
        explained.margin as value,
        explained.previous_margin as previous_value,
        explained.change_low as low,
        explained.change_high as high,
        abs(explained.change) / nullif(whole.margin, 0e0) as stake,
        case when explained.change > 0e0 then 'change_up' else 'change_down' end as part_1,
        explained.cause as part_2,
        case
            when explained.spend is null and explained.previous_spend is null then null
            when explained.spend is null or explained.previous_spend is null then 'spend_unknown'
            when explained.spend > explained.previous_spend then 'spend_rose'
            when explained.spend < explained.previous_spend then 'spend_fell'
            else 'spend_same'
        end as part_3,
        case
            when explained.change_low > 0e0 or explained.change_high < 0e0 then 'sure'
            when explained.change_low is not null then 'unsure'
        end as part_4,
        abs(explained.change) as money_a,
        explained.margin as money_b,
        explained.previous_margin as money_c,
        case
            when explained.cause in ('cause_more_returns', 'cause_fewer_returns') then explained.returned
            else explained.order_margin / nullif(explained.orders, 0e0)
        end as money_d,
        case
            when explained.cause in ('cause_more_returns', 'cause_fewer_returns') then explained.previous_returned
            else explained.previous_order_margin / nullif(explained.previous_orders, 0e0)
        end as money_e,
        abs(explained.spend - explained.previous_spend) as money_f,
        explained.spend as money_g,
        explained.change_low as money_l,
        explained.change_high as money_h,
        round(explained.orders) as count_m,
        round(explained.previous_orders) as count_n,
        cast(null as double) as share_p,
        cast(null as double) as share_q,
        cast(null as double) as share_r,
        cast(null as double) as share_s,
        cast(null as varchar) as word_before,
        cast(null as varchar) as word_now,
        cast(null as date) as on_day,
        cast(null as bigint) as days
    from explained
    inner join whole on whole.period = explained.period
    union all
    select
        case when judged.verdict = 'loses' then 'loss/' else 'doubt/' end || judged.period || '/' || judged.channel,
        judged.period,
        case when judged.verdict = 'loses' then 'loss' else 'doubt' end,
        judged.channel,
        'roi',
        judged.roi,
        judged.previous_roi,
        judged.roi_low,
        judged.roi_high,
        cast(judged.spend - judged.margin as double) / nullif(judged.whole_margin, 0e0),
        case when judged.verdict = 'loses' then 'loss' else 'doubt' end,
        case judged.verdict
            when 'loses' then 'loss_sure'
            when 'thin' then 'doubt_thin'
            when 'models disagree' then 'doubt_models'
            else 'doubt_unclear'
        end,
        cast(null as varchar),
        cast(null as varchar),
        cast(judged.spend as double),
        cast(judged.margin as double),
        cast(judged.spend - judged.margin as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        judged.roi,
        judged.roi_low,
        judged.roi_high,
        cast(null as double),
        cast(null as varchar),
        cast(null as varchar),
        cast(null as date),
        cast(null as bigint)
    from judged
    where judged.is_shown
        and judged.roi_low is not null
        and (judged.verdict = 'loses' or judged.roi < 0e0)
    union all
    select
        'verdict/' || verdicts.period || '/' || verdicts.channel,
        verdicts.period,
        'verdict',
        verdicts.channel,
        'roi',
        verdicts.roi,
        verdicts.roi_before,
        verdicts.roi_low,
        verdicts.roi_high,
        cast(verdicts.spend as double) / nullif(verdicts.whole_margin, 0e0),
        'verdict',
        case when verdicts.roi_low is not null and verdicts.roi_before is not null then 'verdict_roi' end,
        cast(null as varchar),
        cast(null as varchar),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        verdicts.roi,
        verdicts.roi_low,
        verdicts.roi_high,
        verdicts.roi_before,
        verdicts.previous_verdict,
        verdicts.verdict,
        cast(null as date),
        cast(null as bigint)
    from verdicts
    where verdicts.is_shown
    union all
    select
        'leak/' || narrowest.period || '/' || narrowest.stage,
        narrowest.period,
        'leak',
        narrowest.stage,
        'share_advanced_' || cast(narrowest.days as varchar) || 'd',
        narrowest.share,
        case when narrowest.previous_entered >= 5e0 then narrowest.previous_share end,
        narrowest.middle - narrowest.half_width,
        narrowest.middle + narrowest.half_width,
        1e0 - narrowest.share,
        'leak',
        'leak_sure',
        case when narrowest.previous_entered >= 5e0 then 'leak_before' end,
        cast(null as varchar),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        narrowest.entered,
        narrowest.advanced,
        narrowest.share,
        narrowest.middle - narrowest.half_width,
        narrowest.middle + narrowest.half_width,
        narrowest.previous_share,
        cast(null as varchar),
        cast(null as varchar),
        cast(null as date),
        cast(narrowest.days as bigint)
    from narrowest
    where narrowest.place = 1
    union all
    select
        'unattributed/' || revenues.period,
        revenues.period,
        'unattributed',
        '(unattributed)',
        'revenue_share',
        revenues.lost / revenues.revenue,
        revenues.previous_lost / nullif(revenues.previous_revenue, 0e0),
        cast(null as double),
        cast(null as double),
        revenues.lost / revenues.revenue,
        'unattributed',
        case when revenues.previous_lost is not null and revenues.previous_revenue > 0e0 then 'unattributed_before' end,
        cast(null as varchar),
        cast(null as varchar),
        revenues.lost,
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        revenues.lost / revenues.revenue,
        cast(null as double),
        cast(null as double),
        revenues.previous_lost / nullif(revenues.previous_revenue, 0e0),
        cast(null as varchar),
        cast(null as varchar),
        cast(null as date),
        cast(null as bigint)
    from revenues
    inner join judged
        on judged.period = revenues.period
        and judged.channel = '(unattributed)'
        and judged.is_shown
    where revenues.revenue > 0e0
    union all
    select
        'stale/' || source_health.source,
        '(now)',
        'stale',
        source_health.source,
        'days_silent',
        (to_unixtime(horizon.as_of_at) - to_unixtime(source_health.last_event_at)) / 86400e0,
        cast(null as double),
        cast(null as double),
        cast(null as double),
        1e0,
        case when source_health.last_event_at is null then 'stale_never' else 'stale' end,
        cast(null as varchar),
        cast(null as varchar),
        cast(null as varchar),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as double),
        cast(null as varchar),
        cast(null as varchar),
        cast(source_health.last_event_at at time zone 'Europe/Rome' /* time zone */ as date),
        cast(null as bigint)
    from source_health
    cross join horizon
    where source_health.is_stale
)

select
    found.*,
    finding_topics.topic,
    finding_topics.page,
    coalesce(finding_topics.weight * found.stake, 0e0) as importance,
    spans.from_day,
    spans.to_day
from found
inner join finding_topics on finding_topics.kind = found.kind
left join spans on spans.period = found.period
-- a comparison (P:before, P:year) is no period of which anything is told
where strpos(found.period, ':') = 0
    and coalesce(found.stake, 0e0) >= finding_topics.least
