-- apart: model
-- What each channel returned, per model and period. Figures made of fewer than 5 persons are left out and flagged; spend stays.
with judged as (
    select
        channel_roi.*,
        coalesce(credit_persons.persons, 0) not between 1 and 4 as is_shown
    from channel_roi
    left join credit_persons
        on credit_persons.model = channel_roi.model and credit_persons.channel = channel_roi.channel and credit_persons.period = channel_roi.period
        and credit_persons.device_class = '(all)' and credit_persons.moment = '(all)'
)

select
    model,
    period,
    channel,
    not is_shown as is_hidden,
    cast(spend as double) as spend,
    case when is_shown then cast(orders as double) end as orders,
    case when is_shown then cast(revenue as double) end as revenue,
    case when is_shown then cast(margin as double) end as margin,
    case when is_shown then roi end as roi,
    case when is_shown then roi_low end as roi_low,
    case when is_shown then roi_high end as roi_high,
    case when is_shown then verdict end as verdict
from judged
order by model, period, channel
