-- The company's figures of each period and of the one before. They are the same under every model: a model only shares them out.
-- Figures that stand for fewer than 5 persons are left out and flagged.
with money as (
    select
        day,
        sum(case when conversion_type in ('first_order', 'repeat_order') then revenue end) as revenue,
        sum(case when conversion_type in ('first_order', 'repeat_order') then margin end) as margin,
        count(case when conversion_type in ('first_order', 'repeat_order') and margin is null then 1 end) as unknown_margins,
        sum(case when conversion_type = 'first_order' then conversions end) as new_customers,
        sum(case when conversion_type in ('first_order', 'repeat_order') then conversions end) as orders,
        sum(case when conversion_type = 'repeat_order' then conversions end) as repeat_orders,
        cast(0 as decimal(18, 2)) as spend
    from channel_daily, site
    where model = site.default_model
    group by day
    union all
    select day, null, null, 0, null, null, null, sum(spend) from spend_daily group by day
),

spans as (
    select period, false as is_before, cast(from_day as date) as from_day, cast(to_day as date) as to_day from periods
    union all
    select period, true, cast(previous_from as date), cast(previous_to as date) from periods where previous_from is not null
),

buyers as (
    select spans.period, spans.is_before, count(distinct conversions.person_id) as persons
    from spans
    inner join conversions on conversions.conversion_date between spans.from_day and spans.to_day
    where conversions.conversion_type in ('first_order', 'repeat_order')
    group by spans.period, spans.is_before
),

figures as (
    select
        spans.period,
        spans.is_before,
        coalesce(sum(money.revenue), 0) as revenue,
        case when sum(money.unknown_margins) > 0 then null else coalesce(sum(money.margin), 0) end as margin,
        nullif(coalesce(sum(money.spend), 0), 0) as spend,
        coalesce(sum(money.new_customers), 0) as new_customers,
        coalesce(sum(money.orders), 0) as orders,
        coalesce(sum(money.repeat_orders), 0) as repeat_orders,
        coalesce(max(buyers.persons), 0) as persons
    from spans
    left join money on money.day between spans.from_day and spans.to_day
    left join buyers on buyers.period = spans.period and buyers.is_before = spans.is_before
    group by spans.period, spans.is_before
),

shown as (
    select
        period,
        is_before,
        persons between 1 and 4 as is_hidden,
        cast(spend as double) as spend,
        case when persons not between 1 and 4 then cast(revenue as double) end as revenue,
        case when persons not between 1 and 4 then cast(margin as double) end as margin,
        case when persons not between 1 and 4 then (cast(margin as double) - cast(spend as double)) / cast(spend as double) end as roi,
        case when persons not between 1 and 4 then round(cast(new_customers as double)) end as new_customers,
        case when persons not between 1 and 4 then round(cast(orders as double)) end as orders,
        case when persons not between 1 and 4 then cast(repeat_orders as double) / nullif(cast(orders as double), 0) end as returning_share
    from figures
)

select
    now_.period,
    now_.is_hidden,
    now_.revenue, now_.margin, now_.spend, now_.roi, now_.new_customers, now_.orders, now_.returning_share,
    before.revenue as previous_revenue,
    before.margin as previous_margin,
    before.spend as previous_spend,
    before.roi as previous_roi,
    before.new_customers as previous_new_customers,
    before.orders as previous_orders,
    before.returning_share as previous_returning_share
from shown as now_
left join shown as before on before.period = now_.period and before.is_before
where not now_.is_before
order by now_.period
