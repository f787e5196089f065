-- The Kaplan-Meier curves of all persons, at days enough to draw them: each to the day 30, then weekly, to two years; only where 5 or more are followed.
with curve as (
    select stage, cast(day as bigint) as day, at_risk, share_advanced, share_low, share_high
    from stage_survival
    where channel = '(all)' and device_class = '(all)' and cohort_month = '(all)'
),

ends as (select stage, min(day) as first_day, max(day) filter (where at_risk >= 5) as last_day from curve group by stage),

grid as (
    select ends.stage, days.day
    from ends
    cross join (select cast(unnest(generate_series(0, 730)) as bigint) as day) as days
    where (days.day <= 30 or days.day % 7 = 0) and days.day between ends.first_day and ends.last_day
)

select
    grid.stage,
    cast(grid.day as double) as day,
    cast(curve.at_risk as double) as at_risk,
    cast(curve.share_advanced as double) as share,
    cast(curve.share_low as double) as low,
    cast(curve.share_high as double) as high
from grid
asof join curve on curve.stage = grid.stage and curve.day <= grid.day
order by grid.stage, grid.day
