-- purpose: stand-in
-- grain: one row
-- key: channel
-- kept: table
-- published: yes
-- columns:
--   channel: x
--   month: x
--   platform_conversions: x
--   our_conversions: x
--   ratio: x
select
    cast(null as varchar) as channel,
    cast(null as varchar) as month,
    cast(null as double) as platform_conversions,
    cast(null as decimal(18,6)) as our_conversions,
    cast(null as double) as ratio
from settings
where false
