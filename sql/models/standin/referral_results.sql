-- purpose: stand-in
-- grain: one row
-- key: month
-- kept: table
-- published: yes
-- columns:
--   month: x
--   referrals: x
--   leads: x
--   first_orders: x
--   margin: x
select
    cast(null as varchar) as month,
    cast(null as bigint) as referrals,
    cast(null as bigint) as leads,
    cast(null as bigint) as first_orders,
    cast(null as decimal(18,2)) as margin
from settings
where false
