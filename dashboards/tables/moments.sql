-- apart: model
-- Which channel earns at which of the three moments of a purchase.
select
    model, period, channel, moment,
    cast(touches as double) as touches,
    cast(spend as double) as spend,
    case when touches >= 5 then cast(revenue as double) end as revenue,
    case when touches >= 5 then cast(margin as double) end as margin,
    case when touches >= 5 then roi end as roi
from stage_roi
where strpos(period, ':') = 0 and moment <> '(unattributed)'
order by model, period, channel, moment
