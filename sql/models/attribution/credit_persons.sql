-- purpose: whether a figure of a channel stands for enough persons to be shown: the pages hide what stands for fewer than 5
-- grain: one row per model, channel, device and period, with (all) for the devices together
-- key: model, channel, device_class, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel, or (unattributed)
--   device_class: the touch's device, (none) where nothing is attributed, or (all)
--   period: the period, as in channel_roi
--   persons: persons whose conversions are credited here, counted up to 256 by the buckets of the bootstrap: never more than there are
--   previous_persons: the same of the period that it is compared with
-- A count of distinct buckets costs a fraction of a count of distinct persons, and errs only downwards: a cell of exactly 5 may be hidden.
with present as (
    select
        day_spans.span_no,
        credit_touches.channel,
        credit_touches.device_class,
        credit_touches.bucket,
        -- each model (linear)
        max(case when credit_touches.linear_weight > 0e0 then 1 else 0 end) as linear,
        -- end
        count(*) as touches
    from credit_touches
    inner join day_spans on day_spans.day = credit_touches.conversion_date
    group by day_spans.span_no, credit_touches.channel, credit_touches.device_class, credit_touches.bucket
),

-- Each bucket once a cell and period, so that buckets are summed, not told apart.
placed as (
    select
        spans.period,
        spans.is_current,
        present.channel,
        present.device_class,
        present.bucket,
        -- each model (linear)
        max(present.linear) as linear,
        -- end
        count(*) as spans
    from present
    inner join (
        select periods.period, true as is_current, period_spans.span_no
        from periods
        inner join period_spans on period_spans.from_day between periods.from_day and periods.to_day
        union all
        select periods.period, false, period_spans.span_no
        from periods
        inner join period_spans on period_spans.from_day between periods.previous_from_day and periods.previous_to_day
    ) as spans on spans.span_no = present.span_no
    group by spans.period, spans.is_current, present.channel, present.device_class, present.bucket
),

cells as (
    select
        placed.period, placed.is_current, placed.channel, placed.device_class,
        -- each model (linear)
        sum(placed.linear) as linear,
        -- end
        count(*) as buckets
    from placed
    group by placed.period, placed.is_current, placed.channel, placed.device_class
    union all
    select
        once.period, once.is_current, once.channel, '(all)',
        -- each model (linear)
        sum(once.linear),
        -- end
        count(*)
    from (
        select
            placed.period, placed.is_current, placed.channel, placed.bucket,
            -- each model (linear)
            max(placed.linear) as linear,
            -- end
            count(*) as devices
        from placed
        group by placed.period, placed.is_current, placed.channel, placed.bucket
    ) as once
    group by once.period, once.is_current, once.channel
),

counted as (
    -- each model (linear)
    select 'linear' as model, cells.period, cells.is_current, cells.channel, cells.device_class, cells.linear as buckets
    from cells
    where cells.linear > 0
    -- end, joined by union all
)

select
    counted.model,
    counted.channel,
    counted.device_class,
    counted.period,
    cast(coalesce(max(case when counted.is_current then counted.buckets end), 0) as bigint) as persons,
    cast(coalesce(max(case when not counted.is_current then counted.buckets end), 0) as bigint) as previous_persons
from counted
group by counted.model, counted.channel, counted.device_class, counted.period
