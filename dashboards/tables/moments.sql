-- apart: model
-- Which channel earns at which of the three moments of a purchase. Figures of fewer than 5 persons are left out and flagged; spend stays.
select
    stage_roi.model, stage_roi.period, stage_roi.channel, stage_roi.moment,
    coalesce(credit_persons.persons, 0) between 1 and 4 as is_hidden,
    cast(stage_roi.touches as double) as touches,
    cast(stage_roi.spend as double) as spend,
    case when not is_hidden then cast(stage_roi.revenue as double) end as revenue,
    case when not is_hidden then cast(stage_roi.margin as double) end as margin,
    case when not is_hidden then stage_roi.roi end as roi
from stage_roi
left join credit_persons
    on credit_persons.model = stage_roi.model and credit_persons.channel = stage_roi.channel and credit_persons.period = stage_roi.period
    and credit_persons.device_class = '(all)' and credit_persons.moment = stage_roi.moment
where strpos(stage_roi.period, ':') = 0 and stage_roi.moment <> '(unattributed)'
order by stage_roi.model, stage_roi.period, stage_roi.channel, stage_roi.moment
