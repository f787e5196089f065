-- purpose: stand-in
-- grain: one row
-- key: model
-- kept: table
-- published: yes
-- columns:
--   model: x
--   channel: x
--   campaign: x
--   period: x
--   spend: x
--   leads: x
--   first_orders: x
--   orders: x
--   revenue: x
--   margin: x
--   roas: x
--   roi: x
--   cpl: x
--   cac: x
--   note: x
select
    cast(null as varchar) as model,
    cast(null as varchar) as channel,
    cast(null as varchar) as campaign,
    cast(null as varchar) as period,
    cast(null as decimal(18,2)) as spend,
    cast(null as decimal(18,6)) as leads,
    cast(null as decimal(18,6)) as first_orders,
    cast(null as decimal(18,6)) as orders,
    cast(null as decimal(18,6)) as revenue,
    cast(null as decimal(18,6)) as margin,
    cast(null as double) as roas,
    cast(null as double) as roi,
    cast(null as double) as cpl,
    cast(null as double) as cac,
    cast(null as varchar) as note
from settings
where false
