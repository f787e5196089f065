-- purpose: how each data-driven model shares a conversion among the distinct channels of its path
-- grain: one row per conversion type, month of the conversion, set of channels, model and channel with a share
-- key: conversion_type, fit_month, coalition, model, channel
-- kept: refreshed
-- published: no
-- A channel's share is its factor over the sum of the factors of the path's channels. Where all of them are zero, or
-- nothing was fitted, there is no row: credit is then shared evenly by the touches of the path. The channel is named as
-- channel_numbers.numbered_as names it: beyond sixty channels the least frequent are `(other)`.
with converting as (
    select coalition_counts.conversion_type, coalition_counts.end_month as fit_month, coalition_counts.coalition
    from coalition_counts
    where coalition_counts.conversions > 0
),

numbers as (
    select channel_numbers.channel_no, channel_numbers.numbered_as as channel, channel_numbers.bit
    from channel_numbers
    group by channel_numbers.channel_no, channel_numbers.numbered_as, channel_numbers.bit
),

by_coalition as (
    select distinct fitted_factors.model
    from fitted_factors
    where fitted_factors.coalition > 0
),

factors as (
    select
        converting.conversion_type,
        converting.fit_month,
        converting.coalition,
        fitted_factors.model,
        numbers.channel,
        fitted_factors.factor
    from converting
    inner join numbers on mod(converting.coalition / numbers.bit, 2) = 1
    inner join fitted_factors
        on fitted_factors.conversion_type = converting.conversion_type
        and fitted_factors.fit_month = converting.fit_month
        and fitted_factors.channel_no = numbers.channel_no
        and fitted_factors.coalition = 0
    where fitted_factors.model not in (select by_coalition.model from by_coalition)
    union all
    select
        fitted_factors.conversion_type,
        fitted_factors.fit_month,
        fitted_factors.coalition,
        fitted_factors.model,
        numbers.channel,
        fitted_factors.factor
    from fitted_factors
    inner join numbers on numbers.channel_no = fitted_factors.channel_no
    where fitted_factors.coalition > 0
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
