-- What each channel returned, per model and period. Figures made of fewer than 5 persons are left out and flagged; spend stays.
with credited as (
    select distinct credit.model, credit.channel, credit.conversion_date as day, conversions.person_id
    from credit
    inner join conversions on conversions.conversion_id = credit.conversion_id
),

-- A cell with five whole conversions may still be one person, so persons are counted, not conversions.
counted as (
    select
        credited.model,
        credited.channel,
        periods.period,
        count(distinct case when credited.day between cast(periods.from_day as date) and cast(periods.to_day as date) then credited.person_id end) as persons,
        count(distinct case when credited.day between cast(periods.previous_from as date) and cast(periods.previous_to as date) then credited.person_id end) as persons_before
    from credited
    inner join periods
        on credited.day between cast(periods.from_day as date) and cast(periods.to_day as date)
        or credited.day between cast(periods.previous_from as date) and cast(periods.previous_to as date)
    group by all
),

judged as (
    select
        channel_roi.*,
        coalesce(counted.persons, 0) not between 1 and 4 as is_shown,
        coalesce(counted.persons_before, 0) not between 1 and 4 as is_shown_before
    from channel_roi
    left join counted
        on counted.model = channel_roi.model and counted.channel = channel_roi.channel and counted.period = channel_roi.period
)

select
    model,
    period,
    channel,
    not is_shown as is_hidden,
    cast(spend as double) as spend,
    case when is_shown then cast(leads as double) end as leads,
    case when is_shown then cast(first_orders as double) end as first_orders,
    case when is_shown then cast(orders as double) end as orders,
    case when is_shown then cast(revenue as double) end as revenue,
    case when is_shown then cast(margin as double) end as margin,
    case when is_shown then cast(roas as double) end as roas,
    case when is_shown then cast(roi as double) end as roi,
    case when is_shown then cast(roi_low as double) end as roi_low,
    case when is_shown then cast(roi_high as double) end as roi_high,
    case when is_shown then cast(cpl as double) end as cpl,
    case when is_shown then cast(cac as double) end as cac,
    cast(previous_spend as double) as previous_spend,
    case when is_shown_before then cast(previous_margin as double) end as previous_margin,
    case when is_shown_before then cast(previous_roi as double) end as previous_roi,
    case when is_shown then verdict end as verdict,
    case when is_shown then note end as note
from judged
order by model, period, channel
