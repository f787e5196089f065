-- purpose: stand-in
-- grain: one row
-- key: model
-- kept: table
-- published: yes
-- columns:
--   model: x
--   channel: x
--   moment: x
--   period: x
--   touches: x
--   spend: x
--   revenue: x
--   margin: x
--   roi: x
select
    cast(null as varchar) as model,
    cast(null as varchar) as channel,
    cast(null as varchar) as moment,
    cast(null as varchar) as period,
    cast(null as bigint) as touches,
    cast(null as decimal(18,2)) as spend,
    cast(null as decimal(18,6)) as revenue,
    cast(null as decimal(18,6)) as margin,
    cast(null as double) as roi
from settings
where false
