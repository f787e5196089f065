-- purpose: every data-driven model shares each set of channels whole; one that converted in the fit's own month has shares in every model
-- severity: error
-- model: coalition_shares
with shared as (
    select
        coalition_shares.conversion_type,
        coalition_shares.fit_month,
        coalition_shares.coalition,
        coalition_shares.model,
        sum(coalition_shares.share) as share
    from coalition_shares
    group by
        coalition_shares.conversion_type,
        coalition_shares.fit_month,
        coalition_shares.coalition,
        coalition_shares.model
),

spread as (
    select distinct conversion_paths.conversion_type, fit_months.fit_month, conversion_paths.coalition
    from conversion_paths
    inner join fit_months
        on fit_months.conversion_type = conversion_paths.conversion_type
        and fit_months.month = conversion_paths.month
    where conversion_paths.coalition > 0
)

select
    spread.conversion_type,
    spread.fit_month,
    spread.coalition,
    models.model,
    shared.share
from spread
cross join (select distinct fit_factors.model from fit_factors) as models
left join shared
    on shared.conversion_type = spread.conversion_type
    and shared.fit_month = spread.fit_month
    and shared.coalition = spread.coalition
    and shared.model = models.model
left join coalition_counts
    on coalition_counts.conversion_type = spread.conversion_type
    and coalition_counts.end_month = spread.fit_month
    and coalition_counts.coalition = spread.coalition
    and coalition_counts.conversions > 0
where abs(coalesce(shared.share, case when coalition_counts.coalition is null then 1e0 else 0e0 end) - 1e0) > 1e-9
