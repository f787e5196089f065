-- purpose: how each attribution model shares a conversion among the touches of its path
-- grain: one row per conversion and touch of its window, with the columns of each model
-- key: conversion_id, touch_id
-- kept: table
-- published: no
-- The formulas of docs/definitions.md section 6, one column a model in "weighed": they need not sum to 1 there, since each is
-- divided by its path's sum. A new rule-based model is a row of the seed attribution_models and a column there. A data-driven one
-- shares a conversion among the path's channels (coalition_shares), and a channel's share evenly among its touches; where it knows
-- nothing of the path's channels, all touches share evenly.
with channel_shares as (
    select
        coalition_shares.conversion_type,
        coalition_shares.fit_month,
        coalition_shares.coalition,
        coalition_shares.channel,
        -- each data_driven model (markov_1)
        max(case when coalition_shares.model = 'markov_1' then coalition_shares.share end) as markov_1,
        -- end
        count(*) as models
    from coalition_shares
    group by
        coalition_shares.conversion_type, coalition_shares.fit_month, coalition_shares.coalition, coalition_shares.channel
),

known_coalitions as (
    select
        channel_shares.conversion_type,
        channel_shares.fit_month,
        channel_shares.coalition,
        -- each data_driven model (markov_1)
        count(channel_shares.markov_1) as markov_1,
        -- end
        count(*) as channels
    from channel_shares
    group by channel_shares.conversion_type, channel_shares.fit_month, channel_shares.coalition
),

fitted as (
    select conversion_paths.conversion_id, conversion_paths.coalition, fit_months.fit_month
    from conversion_paths
    inner join fit_months
        on fit_months.conversion_type = conversion_paths.conversion_type
        and fit_months.month = conversion_paths.month
),

paths_walked as (
    select
        windows.*,
        fitted.fit_month,
        fitted.coalition,
        -- each data_driven model (markov_1)
        known_coalitions.markov_1,
        -- end
        known_coalitions.channels
    from windows
    left join fitted on fitted.conversion_id = windows.conversion_id
    left join known_coalitions
        on known_coalitions.conversion_type = windows.conversion_type
        and known_coalitions.fit_month = fitted.fit_month
        and known_coalitions.coalition = fitted.coalition
    where windows.touches > 0
),

path_touches as (
    select
        paths_walked.conversion_id,
        touch_base.touch_id,
        touch_base.seq,
        touch_base.seq - paths_walked.first_seq + 1 as place,
        paths_walked.touches,
        touch_base.seq = paths_walked.first_seq as is_first,
        touch_base.seq = paths_walked.last_seq as is_last,
        touch_base.seq = coalesce(paths_walked.last_non_direct_seq, paths_walked.last_seq) as is_last_non_direct,
        touch_base.seq = paths_walked.first_seq
        or coalesce(touch_base.seq = paths_walked.lead_seq, false)
        or coalesce(touch_base.seq = paths_walked.opportunity_seq, false) as is_milestone,
        1
        + case when paths_walked.lead_seq > paths_walked.first_seq then 1 else 0 end
        + case
            when paths_walked.opportunity_seq > paths_walked.first_seq
                and (paths_walked.lead_seq is null or paths_walked.opportunity_seq <> paths_walked.lead_seq) then 1
            else 0
        end as milestones,
        (paths_walked.last_touch_s - touch_base.at_s) / 86400e0 as days_before_last,
        -- each data_driven model (markov_1)
        coalesce(channel_shares.markov_1, 0e0) as markov_1_share,
        coalesce(paths_walked.markov_1, 0) > 0 as knows_markov_1,
        -- end
        count(*) over (partition by paths_walked.conversion_id, coalesce(channel_numbers.numbered_as, touch_base.channel)) as touches_of_channel
    from paths_walked
    inner join touch_base
        on touch_base.person_id = paths_walked.person_id
        and touch_base.seq between paths_walked.first_seq and paths_walked.last_seq
    left join channel_numbers on channel_numbers.channel = touch_base.channel
    left join channel_shares
        on channel_shares.conversion_type = paths_walked.conversion_type
        and channel_shares.fit_month = paths_walked.fit_month
        and channel_shares.coalition = paths_walked.coalition
        and channel_shares.channel = channel_numbers.numbered_as
),

weighed as (
    select
        path_touches.conversion_id,
        path_touches.touch_id,
        path_touches.seq,
        path_touches.place,
        case when path_touches.is_first then 1e0 else 0e0 end as first_touch,
        case when path_touches.is_last then 1e0 else 0e0 end as last_touch,
        case when path_touches.is_last_non_direct then 1e0 else 0e0 end as last_non_direct,
        1e0 as linear,
        -- Measured from the last touch: the same weights as from the conversion, and never 0/0.
        power(2e0, -path_touches.days_before_last / settings.half_life_days) as time_decay,
        case
            when path_touches.touches = 1 then 1e0
            when path_touches.touches = 2 and settings.position_first + settings.position_last = 0e0 then 1e0
            when path_touches.is_first then settings.position_first
            when path_touches.is_last then settings.position_last
            else settings.position_between / nullif(path_touches.touches - 2, 0)
        end as position_based,
        -- each data_driven model (markov_1)
        case
            when path_touches.knows_markov_1 then path_touches.markov_1_share / path_touches.touches_of_channel
            else 1e0
        end as markov_1,
        -- end
        case
            when path_touches.is_milestone then 0.3e0
            else 0.1e0 / nullif(path_touches.touches - path_touches.milestones, 0)
        end as w_shaped
    from path_touches
    cross join settings
),

-- In whole millionths of a millionth: the sum of whole numbers is the same in any order of a path's rows, to the last bit.
whole as (
    select
        weighed.conversion_id,
        weighed.touch_id,
        weighed.seq,
        -- each model (linear)
        round(weighed.linear * 1e12) as linear,
        -- end
        weighed.place
    from weighed
)

select
    whole.conversion_id,
    whole.touch_id,
    whole.place,
    -- each model (linear)
    whole.linear / sum(whole.linear) over path as linear_weight,
    -- The touch that takes what rounding leaves.
    whole.seq = max(case when whole.linear > 0e0 then whole.seq end) over path as linear_is_last,
    -- end
    count(*) over path as touches
from whole
window path as (partition by whole.conversion_id)
