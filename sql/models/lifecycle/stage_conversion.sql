-- purpose: how many of those who entered a stage went on to the next, and how long it took them
-- grain: one row per stage, month of entry, first channel and first device, with (all) for each cut
-- key: stage, cohort_month, channel, device_class
-- kept: table
-- published: yes
-- columns:
--   stage: the stage entered
--   cohort_month: YYYY-MM in which it was entered, or (all)
--   channel: channel of the first touch, or (all)
--   device_class: device of the first touch, or (all)
--   entered: persons who entered it by its own trigger
--   skipped: persons for whom it is inferred from a later stage; they stay out of every other column
--   advanced_7d: of the entered, those in the next stage within 7 days; null until the whole month has had 7 days
--   advanced_30d: the same within 30 days
--   advanced_90d: the same within 90 days
--   advanced_365d: the same within 365 days
--   advanced: those in the next stage by now
--   undecided: those not there yet
--   median_days: days after which half have advanced, by the Kaplan-Meier curve; null where it does not reach
--   p25_days: the same for a quarter
--   p75_days: the same for three quarters
with grouped as (
    select
        stage_steps.stage,
        stage_steps.cohort_month,
        stage_steps.channel,
        stage_steps.device_class,
        cast(sum(stage_steps.entered) as bigint) as entered,
        cast(sum(stage_steps.skipped) as bigint) as skipped,
        cast(sum(stage_steps.within_7d) as bigint) as within_7d,
        cast(sum(stage_steps.within_30d) as bigint) as within_30d,
        cast(sum(stage_steps.within_90d) as bigint) as within_90d,
        cast(sum(stage_steps.within_365d) as bigint) as within_365d,
        cast(sum(stage_steps.advanced) as bigint) as advanced,
        cast(sum(stage_steps.entered - stage_steps.advanced) as bigint) as undecided
    from stage_steps
    group by stage_steps.stage, stage_steps.cohort_month, stage_steps.channel, stage_steps.device_class
),

quantiles as (
    select
        stage_survival.stage,
        stage_survival.cohort_month,
        stage_survival.channel,
        stage_survival.device_class,
        min(case when stage_survival.share_advanced >= 0.25e0 - 1e-12 then stage_survival.day end) as p25_days,
        min(case when stage_survival.share_advanced >= 0.5e0 - 1e-12 then stage_survival.day end) as median_days,
        min(case when stage_survival.share_advanced >= 0.75e0 - 1e-12 then stage_survival.day end) as p75_days
    from stage_survival
    group by stage_survival.stage, stage_survival.cohort_month, stage_survival.channel, stage_survival.device_class
),

passed as (
    select
        grouped.*,
        case
            when grouped.cohort_month = '(all)' then null
            else date_diff(
                'day',
                date_add('day', -1, date_add('month', 1, try_cast(grouped.cohort_month || '-01' as date))),
                horizon.as_of_day
            )
        end as days_passed
    from grouped
    cross join horizon
)

select
    passed.stage,
    passed.cohort_month,
    passed.channel,
    passed.device_class,
    passed.entered,
    passed.skipped,
    case when passed.days_passed >= 7 then passed.within_7d end as advanced_7d,
    case when passed.days_passed >= 30 then passed.within_30d end as advanced_30d,
    case when passed.days_passed >= 90 then passed.within_90d end as advanced_90d,
    case when passed.days_passed >= 365 then passed.within_365d end as advanced_365d,
    passed.advanced,
    passed.undecided,
    quantiles.median_days,
    quantiles.p25_days,
    quantiles.p75_days
from passed
left join quantiles
    on quantiles.stage = passed.stage
    and quantiles.cohort_month = passed.cohort_month
    and quantiles.channel = passed.channel
    and quantiles.device_class = passed.device_class
