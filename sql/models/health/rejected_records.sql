-- purpose: what could not be read, by source and reason
-- grain: one row per source and reason
-- key: source, reason
-- kept: table
-- published: yes
-- columns:
--   source: the source
--   reason: why, as a short code
--   records: how many
--   first_at: the first (UTC)
--   last_at: the last (UTC)
--   sample: one of the messages
select
    rejected_index.source,
    rejected_index.reason,
    count(*) as records,
    min(from_iso8601_timestamp(rejected_index.rejected_at)) as first_at,
    max(from_iso8601_timestamp(rejected_index.rejected_at)) as last_at,
    min(rejected_index.message) as sample
from rejected_index
group by rejected_index.source, rejected_index.reason
