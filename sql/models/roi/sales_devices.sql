-- purpose: what was sold in each period, by the device on which the way to the order ended
-- grain: one row per period and device, with (all)
-- key: period, device_class
-- kept: table
-- published: yes
-- columns:
--   period: the period, as in channel_roi, and those that it may be compared with
--   device_class: device of the order's last non-direct touch, (none) where no touch is known, or (all)
--   orders: orders
--   first_orders: of them, first orders
--   repeat_orders: the others
--   revenue: their revenue, less the refunds of the period
--   margin: their margin, less the refunds of the period; null where a part of it is unknown
--   persons: how many persons they are of, counted up to 256: never more than there are
-- last_non_direct gives an order whole to one touch, so that each order is on one device and the devices add up to all.
with sold as (
    select
        credit_touches.conversion_date,
        credit_touches.device_class,
        bucket_bits.word,
        bitwise_or_agg(bucket_bits.bit) as bits,
        sum(case when credit_touches.conversion_type = 'first_order' then credit_touches.last_non_direct_conversions end) as first_orders,
        sum(case when credit_touches.conversion_type = 'repeat_order' then credit_touches.last_non_direct_conversions end) as repeat_orders,
        sum(credit_touches.last_non_direct_revenue) as revenue,
        sum(credit_touches.last_non_direct_margin) as margin,
        count(*) - count(credit_touches.last_non_direct_margin) as unknown_margins
    from credit_touches
    inner join bucket_bits on bucket_bits.bucket = credit_touches.bucket
    where credit_touches.last_non_direct_weight > 0e0
        and credit_touches.conversion_type in ('first_order', 'repeat_order')
    group by credit_touches.conversion_date, credit_touches.device_class, bucket_bits.word
),

placed as (
    select
        periods.period,
        sold.device_class,
        sold.word,
        bitwise_or_agg(sold.bits) as bits,
        sum(sold.first_orders) as first_orders,
        sum(sold.repeat_orders) as repeat_orders,
        sum(sold.revenue) as revenue,
        sum(sold.margin) as margin,
        sum(sold.unknown_margins) as unknown_margins
    from sold
    inner join periods on sold.conversion_date between periods.from_day and periods.to_day
    group by periods.period, sold.device_class, sold.word
),

cut as (
    select placed.* from placed
    union all
    select
        placed.period, '(all)', placed.word, bitwise_or_agg(placed.bits), sum(placed.first_orders), sum(placed.repeat_orders),
        sum(placed.revenue), sum(placed.margin), sum(placed.unknown_margins)
    from placed
    group by placed.period, placed.word
)

select
    cut.period,
    cut.device_class,
    cast(round(coalesce(sum(cut.first_orders), 0) + coalesce(sum(cut.repeat_orders), 0)) as bigint) as orders,
    cast(round(coalesce(sum(cut.first_orders), 0)) as bigint) as first_orders,
    cast(round(coalesce(sum(cut.repeat_orders), 0)) as bigint) as repeat_orders,
    cast(sum(cut.revenue) as decimal(18, 2)) as revenue,
    case when sum(cut.unknown_margins) = 0 then cast(sum(cut.margin) as decimal(18, 2)) end as margin,
    cast(sum(bit_count(cut.bits, 64)) as bigint) as persons
from cut
group by cut.period, cut.device_class
