-- purpose: each conversion's path, of conversions of open days in a daily build, as a range of the person's touch numbers, and what the weights of the models need of it
-- grain: one row per conversion; refunds have none of their own
-- key: conversion_id
-- kept: table
-- published: no
-- A window is instants, not days: T - look-back <= t <= T, to half a millisecond, since seconds are doubles. With
-- path_start after_previous it also begins after the person's previous conversion of that type.
with own_conversions as (
    select person_conversions.*
    from person_conversions
    where person_conversions.conversions > 0
),

instants as (
    select
        distinct_instants.*,
        lag(distinct_instants.at_s) over (
            partition by distinct_instants.person_id, distinct_instants.conversion_type
            order by distinct_instants.at_s
        ) as previous_s
    from (
        select distinct own_conversions.person_id, own_conversions.conversion_type, own_conversions.at_s
        from own_conversions
    ) as distinct_instants
),

started as (
    select
        own_conversions.conversion_id,
        own_conversions.conversion_type,
        own_conversions.person_id,
        own_conversions.conversion_date,
        own_conversions.at_s,
        own_conversions.at_s - conversion_types.lookback_days * 86400e0 - 0.0005e0 as from_s,
        -- A bound that is always there: an engine joins on comparisons quickly, on an "or" by trying every pair.
        case
            when settings.path_start = 'after_previous' and instants.previous_s is not null then instants.previous_s
            else -1e18
        end as after_s
    from own_conversions
    inner join conversion_types on conversion_types.conversion_type = own_conversions.conversion_type
    inner join instants
        on instants.person_id = own_conversions.person_id
        and instants.conversion_type = own_conversions.conversion_type
        and instants.at_s = own_conversions.at_s
    cross join settings
    where own_conversions.conversion_date >= date '0001-01-01' /* closed before */
)

select
    started.conversion_id,
    started.conversion_type,
    started.person_id,
    started.conversion_date,
    started.at_s,
    min(touch_base.seq) as first_seq,
    max(touch_base.seq) as last_seq,
    count(touch_base.seq) as touches,
    max(touch_base.at_s) as last_touch_s,
    max(case when touch_base.channel <> 'Direct' then touch_base.seq end) as last_non_direct_seq,
    max(
        case
            when person_stages.lead_s <= started.at_s and touch_base.at_s <= person_stages.lead_s then touch_base.seq
        end
    ) as lead_seq,
    max(
        case
            when person_stages.opportunity_s <= started.at_s and touch_base.at_s <= person_stages.opportunity_s
                then touch_base.seq
        end
    ) as opportunity_seq
from started
left join person_stages on person_stages.person_id = started.person_id
left join touch_base
    on touch_base.person_id = started.person_id
    and touch_base.at_s <= started.at_s
    and touch_base.at_s >= started.from_s
    and touch_base.at_s > started.after_s
group by
    started.conversion_id, started.conversion_type, started.person_id, started.conversion_date, started.at_s
