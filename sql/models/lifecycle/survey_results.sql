-- purpose: what those whom each channel brought think of us
-- grain: one row per kind of survey, month, channel and device
-- key: kind, month, channel, device_class
-- kept: table
-- published: yes
-- columns:
--   kind: nps, csat, or as the survey calls itself; survey where it says nothing
--   month: YYYY-MM of the answer
--   channel: channel of the person's first touch; (unattributed) where there was none
--   device_class: device of that touch; (none) where there was none
--   answers: answers with a score
--   promoters: scores of 9 or 10; null for csat, whose scales differ
--   detractors: scores of 6 or less; null for csat
--   mean_score: the mean score
with answers as (
    select
        person_events.feedback_kind as kind,
        date_format(person_events.event_date, '%Y-%m') as month,
        coalesce(person_stages.first_channel, '(unattributed)') as channel,
        coalesce(person_stages.first_device, '(none)') as device_class,
        person_events.score
    from person_events
    left join person_stages on person_stages.person_id = person_events.person_id
    where person_events.event_type = 'Feedback Given'
        and person_events.score is not null
        and not person_events.is_bot
)

select
    answers.kind,
    answers.month,
    answers.channel,
    answers.device_class,
    count(*) as answers,
    case when answers.kind <> 'csat' then count(case when answers.score >= 9e0 then 1 end) end as promoters,
    case when answers.kind <> 'csat' then count(case when answers.score <= 6e0 then 1 end) end as detractors,
    cast(sum(cast(round(answers.score * 1e6) as bigint)) as double) / 1e6 / count(*) as mean_score
from answers
group by answers.kind, answers.month, answers.channel, answers.device_class
