-- purpose: all of a cohort ordered in its own month
-- severity: error
-- model: cohort_retention
select cohort_retention.cohort_month, cohort_retention.channel, cohort_retention.device_class, cohort_retention.retained
from cohort_retention
where cohort_retention.period = 0
    and cohort_retention.is_complete
    and cohort_retention.retained <> cohort_retention.size
