-- purpose: buckets of persons as bits of five numbers: in how many buckets a figure has somebody is then counted by bits, not by rows
-- grain: one row per bucket; 256 is of whoever is no person
-- key: bucket
-- kept: table
-- published: no
select
    cast(buckets.bucket as bigint) as bucket,
    cast(buckets.bucket / 52 as bigint) as word,
    bitwise_left_shift(cast(1 as bigint), cast(mod(buckets.bucket, 52) as integer)) as bit
from unnest(sequence(0, 256)) as buckets (bucket)
