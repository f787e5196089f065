-- purpose: the share of persons who have entered the next stage by each day since they entered this one (Kaplan-Meier)
-- grain: one row per stage, cut and day on which somebody advanced or was last seen
-- key: stage, channel, device_class, cohort_month, day
-- kept: table
-- published: yes
-- columns:
--   stage: the stage entered
--   channel: channel of the first touch, or (all)
--   device_class: device of the first touch, or (all)
--   cohort_month: YYYY-MM in which the stage was entered, or (all)
--   day: whole days since it was entered
--   at_risk: persons who might still advance on that day
--   advanced: persons who advanced on it
--   censored: persons whose following ends on it, undecided
--   share_advanced: share that has advanced by then
--   share_low: lower end of its 90 % interval (Greenwood, log(-log))
--   share_high: its upper end
-- Kaplan & Meier 1958; Kalbfleisch & Prentice. Inferred entries stay out.
with daily as (
    select
        stage_steps.stage,
        stage_steps.channel,
        stage_steps.device_class,
        stage_steps.cohort_month,
        stage_steps.day,
        stage_steps.advanced,
        stage_steps.entered - stage_steps.advanced as censored,
        stage_steps.entered as leaving
    from stage_steps
    where stage_steps.entered > 0
),

exposed as (
    select
        daily.*,
        cast(
            sum(daily.leaving) over (
                partition by daily.stage, daily.channel, daily.device_class, daily.cohort_month
                order by daily.day desc
                rows between unbounded preceding and current row
            ) as bigint
        ) as at_risk
    from daily
),

survived as (
    select
        exposed.*,
        exp(
            sum(
                case
                    when exposed.advanced < exposed.at_risk then
                        ln(cast(exposed.at_risk - exposed.advanced as double) / cast(exposed.at_risk as double))
                    else 0e0
                end
            ) over so_far
        )
        * min(case when exposed.advanced < exposed.at_risk then 1e0 else 0e0 end) over so_far as survival,
        sum(
            case
                when exposed.advanced < exposed.at_risk then
                    cast(exposed.advanced as double)
                    / (cast(exposed.at_risk as double) * cast(exposed.at_risk - exposed.advanced as double))
                else 0e0
            end
        ) over so_far as greenwood
    from exposed
    window so_far as (
        partition by exposed.stage, exposed.channel, exposed.device_class, exposed.cohort_month
        order by exposed.day
        rows between unbounded preceding and current row
    )
),

bounded as (
    select
        survived.*,
        case
            when survived.survival > 0e0 and survived.survival < 1e0 then
                1.6448536269514722e0 * sqrt(survived.greenwood) / abs(ln(survived.survival))
        end as half_width
    from survived
)

select
    bounded.stage,
    bounded.channel,
    bounded.device_class,
    bounded.cohort_month,
    bounded.day,
    bounded.at_risk,
    bounded.advanced,
    bounded.censored,
    1e0 - bounded.survival as share_advanced,
    case
        when bounded.half_width is null then 1e0 - bounded.survival
        else 1e0 - power(bounded.survival, exp(-bounded.half_width))
    end as share_low,
    case
        when bounded.half_width is null then 1e0 - bounded.survival
        else 1e0 - power(bounded.survival, exp(bounded.half_width))
    end as share_high
from bounded
