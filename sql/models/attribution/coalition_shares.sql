-- purpose: how each data-driven model shares a conversion among the distinct channels of its path
-- grain: one row per conversion type, fit, set of channels that it spreads, model and channel with a share
-- key: conversion_type, fit_month, coalition, model, channel
-- kept: table
-- published: no
-- A channel's share is its factor over the sum of the factors of the path's channels. Where all of them are zero, or
-- nothing was fitted, there is no row: credit is then shared evenly by the touches of the path. A model that has factors of
-- a set of its own (Shapley) shares by these; a set that its fit did not meet, which a day after a full refresh may bring, by the factors
-- over the whole fit. The channel is named as channel_numbers.numbered_as names it: beyond sixty channels the least frequent are `(other)`.
with spread as (
    select distinct conversion_paths.conversion_type, fit_months.fit_month, conversion_paths.coalition
    from conversion_paths
    inner join fit_months
        on fit_months.conversion_type = conversion_paths.conversion_type
        and fit_months.month = conversion_paths.month
    where conversion_paths.coalition > 0
),

numbers as (
    select channel_numbers.channel_no, channel_numbers.numbered_as as channel, channel_numbers.bit
    from channel_numbers
    group by channel_numbers.channel_no, channel_numbers.numbered_as, channel_numbers.bit
),

fitted_sets as (
    select distinct
        fit_factors.model, fit_factors.conversion_type, fit_factors.fit_month, fit_factors.coalition
    from fit_factors
    where fit_factors.coalition > 0
),

factors as (
    select
        spread.conversion_type,
        spread.fit_month,
        spread.coalition,
        fit_factors.model,
        numbers.channel,
        fit_factors.factor
    from spread
    inner join numbers on mod(spread.coalition / numbers.bit, 2) = 1
    inner join fit_factors
        on fit_factors.conversion_type = spread.conversion_type
        and fit_factors.fit_month = spread.fit_month
        and fit_factors.channel_no = numbers.channel_no
        and fit_factors.coalition = 0
    left join fitted_sets
        on fitted_sets.model = fit_factors.model
        and fitted_sets.conversion_type = spread.conversion_type
        and fitted_sets.fit_month = spread.fit_month
        and fitted_sets.coalition = spread.coalition
    where fitted_sets.coalition is null
    union all
    select
        spread.conversion_type,
        spread.fit_month,
        spread.coalition,
        fit_factors.model,
        numbers.channel,
        fit_factors.factor
    from spread
    inner join fit_factors
        on fit_factors.conversion_type = spread.conversion_type
        and fit_factors.fit_month = spread.fit_month
        and fit_factors.coalition = spread.coalition
    inner join numbers on numbers.channel_no = fit_factors.channel_no
),

-- Whole numbers, whose sum is the same in any order: factors are 1 at most, and of 63 channels at most.
whole as (
    select
        factors.conversion_type,
        factors.fit_month,
        factors.coalition,
        factors.model,
        factors.channel,
        round(factors.factor * 1e14) as factor
    from factors
),

summed as (
    select
        whole.*,
        sum(whole.factor) over (
            partition by whole.conversion_type, whole.fit_month, whole.coalition, whole.model
        ) as total
    from whole
)

select
    summed.conversion_type,
    summed.fit_month,
    summed.coalition,
    summed.channel,
    summed.model,
    summed.factor / summed.total as share
from summed
where summed.factor > 0e0
