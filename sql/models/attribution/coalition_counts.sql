-- purpose: how many journeys held exactly which set of channels, and how many of them converted: all that Shapley is fitted on
-- grain: one row per conversion type, month in which journeys ended, and set of channels
-- key: conversion_type, end_month, coalition
-- kept: refreshed
-- published: no
with counted as (
    select
        journeys.type_bits,
        journeys.end_month,
        journeys.coalition,
        count(*) as journeys,
        count(journeys.conversion_id) as conversions,
        sum(journeys.revenue) as revenue
    from journeys
    group by journeys.type_bits, journeys.end_month, journeys.coalition
)

select
    type_bits.conversion_type,
    counted.end_month,
    counted.coalition,
    cast(sum(counted.journeys) as bigint) as journeys,
    cast(sum(counted.conversions) as bigint) as conversions,
    cast(coalesce(sum(counted.revenue), 0) as decimal(18, 2)) as revenue
from counted
inner join type_bits on mod(counted.type_bits / type_bits.type_bit, 2) = 1
group by type_bits.conversion_type, counted.end_month, counted.coalition
