-- Each month of entry on its own, all channels and devices together.
select
    stage,
    cohort_month as month,
    entered between 1 and 4 as is_hidden,
    case when entered not between 1 and 4 then cast(entered as double) end as entered,
    case when entered not between 1 and 4 then cast(advanced as double) end as advanced,
    case when entered not between 1 and 4 then cast(undecided as double) end as undecided,
    case when entered >= 5 then cast(advanced_30d as double) end as advanced_30d,
    case when entered >= 5 then cast(advanced_90d as double) end as advanced_90d,
    case when entered >= 5 then cast(median_days as double) end as median_days
from stage_conversion
where channel = '(all)' and device_class = '(all)' and cohort_month <> '(all)'
order by stage, month desc
