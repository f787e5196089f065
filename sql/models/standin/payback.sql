-- purpose: stand-in
-- grain: one row
-- key: cohort_month
-- kept: table
-- published: yes
-- columns:
--   cohort_month: x
--   channel: x
--   customers: x
--   cac: x
--   payback_month: x
--   observed_ltv: x
--   expected_ltv: x
--   ltv_cac: x
--   is_complete: x
select
    cast(null as varchar) as cohort_month,
    cast(null as varchar) as channel,
    cast(null as bigint) as customers,
    cast(null as double) as cac,
    cast(null as bigint) as payback_month,
    cast(null as double) as observed_ltv,
    cast(null as double) as expected_ltv,
    cast(null as double) as ltv_cac,
    cast(null as boolean) as is_complete
from settings
where false
