-- purpose: at which hour of which weekday people come, and order
-- grain: one row per period, device, with (all), weekday and hour, in the company's time zone
-- key: period, device_class, weekday, hour
-- kept: table
-- published: yes
-- columns:
--   period: the period of the touch or the conversion, as in channel_roi
--   device_class: the touch's device, or that of the first touch of the conversion's path; (none) where no touch is known, or (all)
--   weekday: 1 Monday to 7 Sunday
--   hour: 0 to 23, when the touch began or the conversion came
--   touches: touches
--   leads: leads
--   orders: orders
--   touch_persons: of how many persons the touches are, counted up to 256: never more than there are
--   lead_persons: of how many persons the leads are, counted the same way
--   order_persons: of how many persons the orders are, counted the same way
--   persons: of how many persons all of them together are, counted the same way
with moments as (
    select
        touches.touch_date as day,
        cast(touches.occurred_at at time zone 'Europe/Rome' /* time zone */ as timestamp(6)) as local_at,
        coalesce(person_stages.bucket, 256) as bucket,
        touches.device_class,
        1 as touches,
        0 as leads,
        0 as orders
    from touches
    left join person_stages on person_stages.person_id = touches.person_id
    union all
    select
        conversion_facts.conversion_date,
        cast(conversion_facts.occurred_at at time zone 'Europe/Rome' /* time zone */ as timestamp(6)),
        conversion_facts.bucket,
        coalesce(conversion_journeys.first_device, '(none)'),
        0,
        case when conversion_facts.conversion_type = 'lead' then 1 else 0 end,
        case when conversion_facts.conversion_type in ('first_order', 'repeat_order') then 1 else 0 end
    from conversion_facts
    left join conversion_journeys on conversion_journeys.conversion_id = conversion_facts.conversion_id
    where conversion_facts.conversions > 0
        and conversion_facts.conversion_type in ('lead', 'first_order', 'repeat_order')
),

-- Once per stretch of days, hour, device and word of bits: what is left to place in the periods is small.
hourly as (
    select
        day_spans.from_day as segment,
        day_of_week(moments.day) as weekday,
        extract(hour from moments.local_at) as hour,
        bucket_bits.word,
        moments.device_class,
        sum(moments.touches) as touches,
        sum(moments.leads) as leads,
        sum(moments.orders) as orders,
        bitwise_or_agg(moments.touches * bucket_bits.bit) as touch_bits,
        bitwise_or_agg(moments.leads * bucket_bits.bit) as lead_bits,
        bitwise_or_agg(moments.orders * bucket_bits.bit) as order_bits
    from moments
    inner join day_spans on day_spans.day = moments.day
    inner join bucket_bits on bucket_bits.bucket = moments.bucket
    group by
        day_spans.from_day, day_of_week(moments.day), extract(hour from moments.local_at), bucket_bits.word, moments.device_class
),

placed as (
    select
        segment_periods.period,
        hourly.weekday,
        hourly.hour,
        hourly.word,
        hourly.device_class,
        sum(hourly.touches) as touches,
        sum(hourly.leads) as leads,
        sum(hourly.orders) as orders,
        bitwise_or_agg(hourly.touch_bits) as touch_bits,
        bitwise_or_agg(hourly.lead_bits) as lead_bits,
        bitwise_or_agg(hourly.order_bits) as order_bits
    from hourly
    inner join segment_periods on segment_periods.segment = hourly.segment
    where strpos(segment_periods.period, ':') = 0
    group by segment_periods.period, hourly.weekday, hourly.hour, hourly.word, hourly.device_class
),

cut as (
    select placed.* from placed
    union all
    select
        placed.period, placed.weekday, placed.hour, placed.word, '(all)', sum(placed.touches), sum(placed.leads), sum(placed.orders),
        bitwise_or_agg(placed.touch_bits), bitwise_or_agg(placed.lead_bits), bitwise_or_agg(placed.order_bits)
    from placed
    group by placed.period, placed.weekday, placed.hour, placed.word
)

select
    cut.period,
    cut.device_class,
    cast(cut.weekday as bigint) as weekday,
    cast(cut.hour as bigint) as hour,
    cast(sum(cut.touches) as bigint) as touches,
    cast(sum(cut.leads) as bigint) as leads,
    cast(sum(cut.orders) as bigint) as orders,
    cast(sum(bit_count(cut.touch_bits, 64)) as bigint) as touch_persons,
    cast(sum(bit_count(cut.lead_bits, 64)) as bigint) as lead_persons,
    cast(sum(bit_count(cut.order_bits, 64)) as bigint) as order_persons,
    cast(sum(bit_count(bitwise_or(cut.touch_bits, bitwise_or(cut.lead_bits, cut.order_bits)), 64)) as bigint) as persons
from cut
group by cut.period, cut.device_class, cut.weekday, cut.hour
