-- apart: model
-- What one conversion of each type cost on each channel with a cost on record. A figure is shown where 5 persons or more stand for it, or
-- none: those of leads, of first orders and of all orders are counted (credit_persons); of another type there are at least as many as its credited
-- conversions over the most that one person has of it.
with most as (
    select period, conversion_type, max(conversions) as of_one
    from (
        select periods.period, conversions.conversion_type, conversions.person_id, count(*) as conversions
        from conversions
        inner join periods on conversions.conversion_date between periods.from_day and periods.to_day
        where strpos(periods.period, ':') = 0
        group by periods.period, conversions.conversion_type, conversions.person_id
    ) as persons
    group by period, conversion_type
),

-- A channel to which no conversion of a type is credited is none of channel_credit's: its spend stands for that type too.
cells as (
    select
        channel_roi.model, channel_roi.period, channel_roi.channel, types.conversion_type,
        channel_roi.spend,
        coalesce(channel_credit.conversions, 0) as conversions,
        channel_credit.conversions_low, channel_credit.conversions_high, channel_credit.cpa,
        coalesce(channel_credit.is_thin, true) as is_thin,
        case
            when coalesce(channel_credit.conversions, 0) = 0 then 0
            when types.conversion_type = '(orders)' then credit_persons.persons
            when types.conversion_type = 'lead' then credit_persons.lead_persons
            when types.conversion_type = 'first_order' then credit_persons.first_order_persons
            else floor(channel_credit.conversions / most.of_one)
        end as persons
    from channel_roi
    inner join (select distinct period, conversion_type from channel_credit) as types on types.period = channel_roi.period
    left join channel_credit
        on channel_credit.model = channel_roi.model and channel_credit.period = channel_roi.period and channel_credit.channel = channel_roi.channel
        and channel_credit.conversion_type = types.conversion_type
    left join credit_persons
        on credit_persons.model = channel_roi.model and credit_persons.channel = channel_roi.channel and credit_persons.period = channel_roi.period
        and credit_persons.device_class = '(all)' and credit_persons.moment = '(all)'
    left join most on most.period = channel_roi.period and most.conversion_type = types.conversion_type
    where channel_roi.spend is not null and strpos(channel_roi.period, ':') = 0
)

select
    model, period, channel, conversion_type,
    conversions <> 0 and coalesce(persons, 0) < 5 as is_hidden,
    cast(spend as double) as spend,
    case when not is_hidden then cast(conversions as double) end as conversions,
    case when not is_hidden then cast(conversions_low as double) end as conversions_low,
    case when not is_hidden then cast(conversions_high as double) end as conversions_high,
    case when not is_hidden then cpa end as cpa,
    is_thin
from cells
order by model, period, conversion_type, channel
