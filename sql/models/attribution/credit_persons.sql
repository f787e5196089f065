-- purpose: whether a figure of a channel stands for enough persons to be shown: the pages hide what stands for fewer than 5
-- grain: one row per model, channel, device and period; (all) devices together, and (all) channels together
-- key: model, channel, device_class, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel, (unattributed), or (all)
--   device_class: the touch's device, (none) where nothing is attributed, or (all)
--   period: the period, as in channel_roi
--   persons: persons whose conversions are credited here, counted up to 256 by the buckets of the bootstrap: never more than there are
--   previous_persons: the same of the period that it is compared with
-- A count of distinct buckets costs a fraction of a count of distinct persons, and errs only downwards: a cell of exactly 5 may be hidden.
with credited as (
    select distinct
        credit.model,
        credit.channel,
        credit.device_class,
        credit.conversion_date as day,
        coalesce(person_stages.bucket, 256) as bucket
    from credit
    inner join conversion_facts on conversion_facts.conversion_id = credit.conversion_id
    left join person_stages on person_stages.person_id = conversion_facts.person_id
),

placed as (
    select distinct
        credited.model,
        credited.channel,
        credited.device_class,
        periods.period,
        credited.day >= periods.from_day as is_current,
        credited.bucket
    from credited
    inner join periods on credited.day between periods.from_day and periods.to_day
        or credited.day between periods.previous_from_day and periods.previous_to_day
),

counted as (
    select
        placed.model,
        placed.channel,
        placed.device_class,
        placed.period,
        count(distinct case when placed.is_current then placed.bucket end) as persons,
        count(distinct case when not placed.is_current then placed.bucket end) as previous_persons
    from placed
    group by placed.model, placed.channel, placed.device_class, placed.period
    union all
    select
        placed.model,
        placed.channel,
        '(all)',
        placed.period,
        count(distinct case when placed.is_current then placed.bucket end),
        count(distinct case when not placed.is_current then placed.bucket end)
    from placed
    group by placed.model, placed.channel, placed.period
    union all
    select
        placed.model,
        '(all)',
        placed.device_class,
        placed.period,
        count(distinct case when placed.is_current then placed.bucket end),
        count(distinct case when not placed.is_current then placed.bucket end)
    from placed
    group by placed.model, placed.device_class, placed.period
)

select counted.*
from counted
