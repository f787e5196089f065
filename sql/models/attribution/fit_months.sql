-- purpose: which fit of the data-driven models spreads a month's conversions
-- grain: one row per conversion type that was fitted and month with a conversion of it along a path
-- key: conversion_type, month
-- kept: table
-- published: no
-- A month's own fit, which a full refresh makes for each. A month that came after it is spread by the last fit before, and one
-- before the first fit by that.
with months as (
    select distinct conversion_paths.conversion_type, conversion_paths.month
    from conversion_paths
),

fits as (
    select distinct fit_factors.conversion_type, fit_factors.fit_month
    from fit_factors
)

select
    months.conversion_type,
    months.month,
    coalesce(
        max(case when fits.fit_month <= months.month then fits.fit_month end),
        min(fits.fit_month)
    ) as fit_month
from months
inner join fits on fits.conversion_type = months.conversion_type
group by months.conversion_type, months.month
