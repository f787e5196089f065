-- purpose: every data-driven model shares each converting set of channels whole
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
)

select
    coalition_counts.conversion_type,
    coalition_counts.end_month,
    coalition_counts.coalition,
    models.model,
    shared.share
from coalition_counts
cross join (select distinct fitted_factors.model from fitted_factors) as models
left join shared
    on shared.conversion_type = coalition_counts.conversion_type
    and shared.fit_month = coalition_counts.end_month
    and shared.coalition = coalition_counts.coalition
    and shared.model = models.model
where coalition_counts.conversions > 0
    and abs(coalesce(shared.share, 0e0) - 1e0) > 1e-9
