-- purpose: the three channels whose margin moved most against the compared period under the default model, why, and how sure that is
-- grain: one row per period and channel
-- key: period, channel
-- kept: table
-- published: no
-- The interval of the change is the bootstrap over persons of docs/definitions.md section 6, on the difference of the two periods.
with spans as (
    select periods.period, periods.from_day, periods.to_day, periods.previous_from_day, periods.previous_to_day
    from periods
    cross join horizon
    where periods.previous_from_day >= horizon.first_day
),

ranked as (
    select
        channel_roi.period,
        channel_roi.channel,
        channel_roi.orders,
        channel_roi.margin,
        channel_roi.spend,
        channel_roi.previous_margin,
        channel_roi.previous_spend,
        channel_roi.margin - channel_roi.previous_margin as change,
        row_number() over (
            partition by channel_roi.period
            order by abs(channel_roi.margin - channel_roi.previous_margin) desc, channel_roi.channel
        ) as place
    from channel_roi
    inner join settings on settings.default_model = channel_roi.model
    inner join credit_persons
        on credit_persons.model = channel_roi.model
        and credit_persons.channel = channel_roi.channel
        and credit_persons.period = channel_roi.period
        and credit_persons.device_class = '(all)'
        and credit_persons.moment = '(all)'
    where channel_roi.channel <> '(unattributed)'
        and channel_roi.margin <> channel_roi.previous_margin
        and credit_persons.persons not between 1 and 4
        and credit_persons.previous_persons not between 1 and 4
),

chosen as (
    select ranked.*, spans.from_day, spans.to_day, spans.previous_from_day, spans.previous_to_day
    from ranked
    inner join spans on spans.period = ranked.period
    where ranked.place <= 3
),

orders_before as (
    select chosen.period, chosen.channel, sum(channel_daily.conversions) as orders
    from chosen
    cross join settings
    inner join channel_daily
        on channel_daily.channel = chosen.channel
        and channel_daily.model = settings.default_model
        and channel_daily.day between chosen.previous_from_day and chosen.previous_to_day
    where channel_daily.conversion_type in ('first_order', 'repeat_order')
    group by chosen.period, chosen.channel
),

-- What returns took back, which no order of the period brought.
refunded as (
    -- each model (linear)
    select 'linear' as model, refund_days.day, refund_days.channel, refund_days.linear_margin as margin
    from refund_days
    -- end, joined by union all
),

returns as (
    select
        chosen.period,
        chosen.channel,
        sum(case when refunded.day between chosen.from_day and chosen.to_day then refunded.margin end) as returned,
        sum(case when refunded.day between chosen.previous_from_day and chosen.previous_to_day then refunded.margin end) as previous_returned
    from chosen
    cross join settings
    inner join refunded
        on refunded.channel = chosen.channel
        and refunded.model = settings.default_model
    group by chosen.period, chosen.channel
),

-- Only the rule-based models have sums by bucket; under another default model a change has no interval.
credited as (
    -- each rule model (linear)
    select 'linear' as model, credit_buckets.span_no, credit_buckets.channel, credit_buckets.bucket, credit_buckets.linear_margin as margin
    from credit_buckets
    where credit_buckets.conversion_type in ('first_order', 'repeat_order')
    -- end, joined by union all
),

bucket_changes as (
    select
        chosen.period,
        chosen.channel,
        credited.bucket,
        sum(case when period_spans.from_day >= chosen.from_day then credited.margin else -credited.margin end) as change
    from chosen
    inner join period_spans
        on period_spans.from_day between chosen.from_day and chosen.to_day
        or period_spans.from_day between chosen.previous_from_day and chosen.previous_to_day
    inner join credited
        on credited.span_no = period_spans.span_no
        and credited.channel = chosen.channel
    inner join settings on settings.default_model = credited.model
    group by chosen.period, chosen.channel, credited.bucket
),

replicated as (
    -- Sums of six decimals: rounded to them again, they are the same in any order, and so is the sentence that rounds further.
    select parts.period, parts.channel, parts.replicate, round(sum(parts.change), 6) as change
    from (
        select
            bucket_changes.period,
            bucket_changes.channel,
            bootstrap_draws.replicate,
            bucket_changes.change * bootstrap_draws.times as change
        from bucket_changes
        inner join bootstrap_draws on bootstrap_draws.bucket = bucket_changes.bucket
        union all
        -- a replicate that draws none of the channel's buckets saw no change, not none at all
        select changed.period, changed.channel, replicates.replicate, 0e0
        from (select distinct bucket_changes.period, bucket_changes.channel from bucket_changes) as changed
        cross join (select distinct bootstrap_draws.replicate from bootstrap_draws) as replicates
    ) as parts
    group by parts.period, parts.channel, parts.replicate
),

placed as (
    select
        replicated.*,
        row_number() over (partition by replicated.period, replicated.channel order by replicated.change) as rank_no
    from replicated
),

intervals as (
    select
        placed.period,
        placed.channel,
        max(case when placed.rank_no = cast(ceil(0.05e0 * settings.bootstrap_replicates) as bigint) then placed.change end) as change_low,
        max(case when placed.rank_no = cast(ceil(0.95e0 * settings.bootstrap_replicates) as bigint) then placed.change end) as change_high
    from placed
    cross join settings
    group by placed.period, placed.channel
)

select
    chosen.period,
    chosen.channel,
    cast(chosen.margin as double) as margin,
    cast(chosen.previous_margin as double) as previous_margin,
    cast(chosen.change as double) as change,
    intervals.change_low,
    intervals.change_high,
    cast(chosen.orders as double) as orders,
    coalesce(cast(orders_before.orders as double), 0e0) as previous_orders,
    coalesce(cast(returns.returned as double), 0e0) as returned,
    coalesce(cast(returns.previous_returned as double), 0e0) as previous_returned,
    cast(chosen.spend as double) as spend,
    cast(chosen.previous_spend as double) as previous_spend
from chosen
left join intervals on intervals.period = chosen.period and intervals.channel = chosen.channel
left join orders_before on orders_before.period = chosen.period and orders_before.channel = chosen.channel
left join returns on returns.period = chosen.period and returns.channel = chosen.channel
