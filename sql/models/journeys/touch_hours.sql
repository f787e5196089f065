-- purpose: at which hour of which weekday people come, and order
-- grain: one row per period, weekday and hour, in the company's time zone
-- key: period, weekday, hour
-- kept: table
-- published: yes
-- columns:
--   period: the period of the touch or the conversion, as in channel_roi
--   weekday: 1 Monday to 7 Sunday
--   hour: 0 to 23, when the touch began or the conversion came
--   touches: touches
--   leads: leads
--   orders: orders
--   persons: how many persons they are of, counted up to 256: never more than there are
with moments as (
    select
        touches.touch_date as day,
        cast(touches.occurred_at at time zone 'Europe/Rome' /* time zone */ as timestamp(6)) as local_at,
        coalesce(person_stages.bucket, 256) as bucket,
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
        0,
        case when conversion_facts.conversion_type = 'lead' then 1 else 0 end,
        case when conversion_facts.conversion_type in ('first_order', 'repeat_order') then 1 else 0 end
    from conversion_facts
    where conversion_facts.conversions > 0
        and conversion_facts.conversion_type in ('lead', 'first_order', 'repeat_order')
),

-- Once per day, hour and bucket of persons: what is left to place in the periods is small.
hourly as (
    select
        moments.day,
        extract(hour from moments.local_at) as hour,
        moments.bucket,
        sum(moments.touches) as touches,
        sum(moments.leads) as leads,
        sum(moments.orders) as orders
    from moments
    group by moments.day, extract(hour from moments.local_at), moments.bucket
)

select
    periods.period,
    cast(day_of_week(hourly.day) as bigint) as weekday,
    cast(hourly.hour as bigint) as hour,
    cast(sum(hourly.touches) as bigint) as touches,
    cast(sum(hourly.leads) as bigint) as leads,
    cast(sum(hourly.orders) as bigint) as orders,
    count(distinct hourly.bucket) as persons
from hourly
inner join periods on hourly.day between periods.from_day and periods.to_day
where strpos(periods.period, ':') = 0
group by periods.period, day_of_week(hourly.day), hourly.hour
