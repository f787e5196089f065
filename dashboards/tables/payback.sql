-- When customers of a channel have brought back what winning them cost, all cohorts of a channel together and each month.
select
    cohort_month, channel,
    cast(customers as double) as customers,
    cast(cac as double) as cac,
    cast(payback_month as double) as payback_month,
    cast(observed_ltv as double) as observed_ltv,
    cast(expected_ltv as double) as expected_ltv,
    cast(ltv_cac as double) as ltv_cac,
    cast(expected_ltv_cac as double) as expected_ltv_cac,
    cast(spend as double) as spend,
    is_complete
from payback
where customers >= 5
order by cohort_month <> '(all)', cohort_month desc, channel = '(all)' desc, channel
