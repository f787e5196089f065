-- purpose: what the platforms claim by month is what the ad keys say
-- severity: error
-- model: platform_comparison
with by_key as (
    select
        coalesce(sum(costs.platform_conversions), 0e0) as conversions,
        coalesce(sum(costs.platform_value), cast(0 as decimal(18, 2))) as worth
    from costs
),

by_month as (
    select
        coalesce(sum(platform_comparison.platform_conversions), 0e0) as conversions,
        coalesce(sum(platform_comparison.platform_value), cast(0 as decimal(18, 2))) as worth
    from platform_comparison
)

select by_key.conversions, by_month.conversions as conversions_by_month
from by_key
cross join by_month
where abs(by_key.conversions - by_month.conversions) > 1e-6
    or by_key.worth <> by_month.worth
