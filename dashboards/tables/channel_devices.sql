-- apart: model
-- Credited figures by the device of the touch. Spend knows no device. Cells of fewer than 5 persons are left out and flagged.
with credited as (
    select
        channel_daily.model, channel_daily.channel, channel_daily.device_class, periods.period,
        sum(case when conversion_type = 'lead' then conversions end) as leads,
        sum(case when conversion_type in ('first_order', 'repeat_order') then conversions end) as orders,
        sum(case when conversion_type = 'first_order' then conversions end) as first_orders,
        sum(case when conversion_type in ('first_order', 'repeat_order') then revenue end) as revenue,
        case when count(case when conversion_type in ('first_order', 'repeat_order') and margin is null then 1 end) = 0
            then sum(case when conversion_type in ('first_order', 'repeat_order') then margin end) end as margin
    from channel_daily
    inner join periods on channel_daily.day between periods.from_day and periods.to_day
    where channel_daily.device_class <> '(none)'
    group by all
)

select
    credited.model, credited.period, credited.channel, credited.device_class,
    coalesce(credit_persons.persons, 0) between 1 and 4 as is_hidden,
    case when coalesce(credit_persons.lead_persons, 0) not between 1 and 4 then cast(leads as double) end as leads,
    case when not is_hidden and coalesce(credit_persons.first_order_persons, 0) not between 1 and 4 then cast(first_orders as double) end as first_orders,
    case when not is_hidden then cast(orders as double) end as orders,
    case when not is_hidden then cast(revenue as double) end as revenue,
    case when not is_hidden then cast(margin as double) end as margin
from credited
left join credit_persons
    on credit_persons.model = credited.model and credit_persons.channel = credited.channel and credit_persons.period = credited.period
    and credit_persons.device_class = credited.device_class and credit_persons.moment = '(all)'
order by credited.model, credited.period, credited.channel, credited.device_class
