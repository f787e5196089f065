-- purpose: in how many buckets of persons a figure of a channel has somebody, under every model side by side
-- grain: one row per period or the one that it is compared with, channel, device and moment of the purchase, with (all) for each cut
-- key: period, is_current, channel, device_class, moment
-- kept: table
-- published: no
-- A table of its own, since Trino reckons what credit_persons asks ten times, once a model, each time anew.
with present as (
    select
        day_spans.span_no,
        credit_touches.channel,
        credit_touches.device_class,
        coalesce(moments.moment, '(none)') as moment,
        -- each model (linear)
        bitwise_or_agg(
            case when credit_touches.linear_weight > 0e0 and credit_touches.conversion_type in ('first_order', 'repeat_order') then bucket_bits.bit else 0 end
        ) as linear_orders,
        bitwise_or_agg(case when credit_touches.linear_weight > 0e0 and credit_touches.conversion_type = 'lead' then bucket_bits.bit else 0 end) as linear_leads,
        bitwise_or_agg(case when credit_touches.linear_weight > 0e0 and credit_touches.conversion_type = 'first_order' then bucket_bits.bit else 0 end) as linear_firsts,
        -- end
        bucket_bits.word
    from credit_touches
    inner join bucket_bits on bucket_bits.bucket = credit_touches.bucket
    inner join day_spans on day_spans.day = credit_touches.conversion_date
    left join moments on moments.stage = credit_touches.stage
    where credit_touches.conversion_type in ('lead', 'first_order', 'repeat_order')
    group by
        day_spans.span_no, credit_touches.channel, credit_touches.device_class, coalesce(moments.moment, '(none)'), bucket_bits.word
),

placed as (
    select
        compared_spans.period,
        compared_spans.is_current,
        present.channel,
        present.device_class,
        present.moment,
        -- each model (linear)
        bitwise_or_agg(present.linear_orders) as linear_orders,
        bitwise_or_agg(present.linear_leads) as linear_leads,
        bitwise_or_agg(present.linear_firsts) as linear_firsts,
        -- end
        present.word
    from present
    inner join compared_spans on compared_spans.span_no = present.span_no
    group by compared_spans.period, compared_spans.is_current, present.channel, present.device_class, present.moment, present.word
),

cut as (
    select
        placed.period, placed.is_current, placed.channel, '(all)' as device_class, '(all)' as moment,
        -- each model (linear)
        bitwise_or_agg(placed.linear_orders) as linear_orders,
        bitwise_or_agg(placed.linear_leads) as linear_leads,
        bitwise_or_agg(placed.linear_firsts) as linear_firsts,
        -- end
        placed.word
    from placed
    group by placed.period, placed.is_current, placed.channel, placed.word
    union all
    select
        placed.period, placed.is_current, placed.channel, placed.device_class, '(all)',
        -- each model (linear)
        bitwise_or_agg(placed.linear_orders),
        bitwise_or_agg(placed.linear_leads),
        bitwise_or_agg(placed.linear_firsts),
        -- end
        placed.word
    from placed
    group by placed.period, placed.is_current, placed.channel, placed.device_class, placed.word
    union all
    select
        placed.period, placed.is_current, placed.channel, '(all)', placed.moment,
        -- each model (linear)
        bitwise_or_agg(placed.linear_orders),
        bitwise_or_agg(placed.linear_leads),
        bitwise_or_agg(placed.linear_firsts),
        -- end
        placed.word
    from placed
    group by placed.period, placed.is_current, placed.channel, placed.moment, placed.word
)

select
    cut.period, cut.is_current, cut.channel, cut.device_class,
    -- each model (linear)
    cast(sum(bit_count(cut.linear_orders, 64)) as bigint) as linear_orders,
    cast(sum(bit_count(cut.linear_leads, 64)) as bigint) as linear_leads,
    cast(sum(bit_count(cut.linear_firsts, 64)) as bigint) as linear_firsts,
    -- end
    cut.moment
from cut
group by cut.period, cut.is_current, cut.channel, cut.device_class, cut.moment
