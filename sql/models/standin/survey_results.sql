-- purpose: stand-in
-- grain: one row
-- key: kind
-- kept: table
-- published: yes
-- columns:
--   kind: x
--   month: x
--   channel: x
--   answers: x
--   promoters: x
--   detractors: x
--   mean_score: x
select
    cast(null as varchar) as kind,
    cast(null as varchar) as month,
    cast(null as varchar) as channel,
    cast(null as bigint) as answers,
    cast(null as bigint) as promoters,
    cast(null as bigint) as detractors,
    cast(null as double) as mean_score
from settings
where false
