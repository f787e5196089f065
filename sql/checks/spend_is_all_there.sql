-- purpose: media spend by day is the spend of the ad keys
-- severity: error
-- model: spend_daily
with by_key as (
    select coalesce(sum(costs.spend), cast(0 as decimal(18, 2))) as spend from costs
),

by_day as (
    select coalesce(sum(spend_daily.spend), cast(0 as decimal(18, 2))) as spend
    from spend_daily
    where spend_daily.kind = 'media'
)

select by_key.spend as spend_of_keys, by_day.spend as spend_of_days
from by_key
cross join by_day
where by_key.spend <> by_day.spend
