-- purpose: stand-in
-- grain: one row
-- key: conversion_type
-- kept: table
-- published: yes
-- columns:
--   conversion_type: x
--   path: x
--   conversions: x
--   journeys: x
--   revenue: x
--   margin: x
--   median_days: x
select
    cast(null as varchar) as conversion_type,
    cast(null as varchar) as path,
    cast(null as bigint) as conversions,
    cast(null as bigint) as journeys,
    cast(null as decimal(18,2)) as revenue,
    cast(null as decimal(18,2)) as margin,
    cast(null as double) as median_days
from settings
where false
