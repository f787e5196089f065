-- purpose: which of the 256 buckets of persons each replicate of the bootstrap draws, and how often
-- grain: one row per replicate and bucket drawn
-- key: replicate, bucket
-- kept: table
-- published: no
-- 256 draws with replacement from a hash of replicate and draw: the same draws in any engine, at any time.
select
    draws.replicate,
    draws.bucket,
    count(*) as times
from (
    select
        replicates.replicate,
        mod(
            from_base(
                substr(
                    to_hex(
                        sha256(
                            to_utf8(
                                'bootstrap/' || cast(replicates.replicate as varchar) || '/' || cast(draw_numbers.draw_no as varchar)
                            )
                        )
                    ),
                    1, 8
                ),
                16
            ),
            256
        ) as bucket
    from settings
    cross join unnest(sequence(1, 1000)) as replicates (replicate)
    cross join unnest(sequence(1, 256)) as draw_numbers (draw_no)
    where replicates.replicate <= settings.bootstrap_replicates
) as draws
group by draws.replicate, draws.bucket
