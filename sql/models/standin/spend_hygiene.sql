-- purpose: stand-in
-- grain: one row
-- key: kind
-- kept: table
-- published: yes
-- columns:
--   kind: x
--   name: x
--   nearest_name: x
--   touches: x
--   spend: x
--   period: x
select
    cast(null as varchar) as kind,
    cast(null as varchar) as name,
    cast(null as varchar) as nearest_name,
    cast(null as bigint) as touches,
    cast(null as decimal(18,2)) as spend,
    cast(null as varchar) as period
from settings
where false
