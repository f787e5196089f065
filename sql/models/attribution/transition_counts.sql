-- purpose: how often journeys step from one state of a chain of order 1 or 2 to another: all that a Markov model is fitted on
-- grain: one row per conversion type, order of the chain, month in which journeys ended, bucket of persons and step
-- key: conversion_type, order_k, end_month, bucket, state_from, state_to
-- kept: refreshed
-- published: no
-- A state is the number of the last channel, or 64 times that of the last but one plus it; 0 is (start), -1 (conversion),
-- -2 (null). At a path's start a chain of order 2 uses its shorter states. Order 1 is counted by bucket, for the
-- bootstrap; order 2 for all persons together, bucket -1. Revenue stands on the steps into (conversion).
with steps as (
    select
        journeys.type_bits,
        journeys.end_month,
        journeys.bucket,
        case when touch_steps.seq = journeys.first_seq then 0 else touch_steps.previous_no end as from_1,
        touch_steps.channel_no as to_1,
        case
            when touch_steps.seq = journeys.first_seq then 0
            when touch_steps.seq = journeys.first_seq + 1 then touch_steps.previous_no
            else 64 * touch_steps.before_previous_no + touch_steps.previous_no
        end as from_2,
        case
            when touch_steps.seq = journeys.first_seq then touch_steps.channel_no
            else 64 * touch_steps.previous_no + touch_steps.channel_no
        end as to_2,
        cast(null as decimal(18, 2)) as revenue
    from journeys
    inner join touch_steps
        on touch_steps.person_no = journeys.person_no
        and touch_steps.seq between journeys.first_seq and journeys.last_seq
    union all
    select
        journeys.type_bits,
        journeys.end_month,
        journeys.bucket,
        mod(journeys.path_1, 64),
        case when journeys.is_converting then -1 else -2 end,
        mod(journeys.path_1, 4096),
        case when journeys.is_converting then -1 else -2 end,
        journeys.revenue
    from journeys
),

counted as (
    select
        steps.type_bits,
        steps.end_month,
        steps.bucket,
        steps.from_1,
        steps.to_1,
        steps.from_2,
        steps.to_2,
        grouping(steps.to_1) as is_order_2,
        count(*) as steps,
        sum(steps.revenue) as revenue
    from steps
    group by grouping sets (
        (steps.type_bits, steps.end_month, steps.bucket, steps.from_1, steps.to_1),
        (steps.type_bits, steps.end_month, steps.from_2, steps.to_2)
    )
),

of_types as (
    select
        type_bits.conversion_type,
        cast(1 + counted.is_order_2 as bigint) as order_k,
        counted.end_month,
        coalesce(counted.bucket, -1) as bucket,
        case when counted.is_order_2 = 1 then counted.from_2 else counted.from_1 end as state_from,
        case when counted.is_order_2 = 1 then counted.to_2 else counted.to_1 end as state_to,
        counted.steps,
        counted.revenue
    from counted
    inner join type_bits on mod(counted.type_bits / type_bits.type_bit, 2) = 1
)

select
    of_types.conversion_type,
    of_types.order_k,
    of_types.end_month,
    of_types.bucket,
    of_types.state_from,
    of_types.state_to,
    cast(sum(of_types.steps) as bigint) as steps,
    cast(coalesce(sum(of_types.revenue), 0) as decimal(18, 2)) as revenue
from of_types
group by
    of_types.conversion_type,
    of_types.order_k,
    of_types.end_month,
    of_types.bucket,
    of_types.state_from,
    of_types.state_to
