-- purpose: stand-in
-- grain: one row
-- key: day
-- kept: table
-- published: yes
-- columns:
--   day: x
--   table_name: x
--   reason: x
--   rows: x
--   revenue_before: x
--   revenue_after: x
--   known_at: x
select
    cast(null as date) as day,
    cast(null as varchar) as table_name,
    cast(null as varchar) as reason,
    cast(null as bigint) as rows,
    cast(null as decimal(18,2)) as revenue_before,
    cast(null as decimal(18,2)) as revenue_after,
    with_timezone(cast(null as timestamp(6)), 'UTC') as known_at
from settings
where false
