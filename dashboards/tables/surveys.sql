-- Answers by kind and month, all channels together and by channel, on all devices and on each (then all channels together only). Fewer than 5
-- answers are left out and flagged.
with cells as (
    select
        kind, month,
        case when grouping(channel) = 1 then '(all)' else channel end as channel,
        case when grouping(device_class) = 1 then '(all)' else device_class end as device_class,
        sum(answers) as answers, sum(promoters) as promoters, sum(detractors) as detractors,
        sum(mean_score * answers) / nullif(sum(answers), 0) as mean_score
    from survey_results
    group by grouping sets ((kind, month, channel), (kind, month, device_class), (kind, month))
)

select
    kind, month, channel, device_class, answers < 5 as is_hidden,
    case when answers >= 5 then cast(answers as double) end as answers,
    case when answers >= 5 then cast(promoters as double) end as promoters,
    case when answers >= 5 then cast(detractors as double) end as detractors,
    case when answers >= 5 then cast(mean_score as double) end as mean_score
from cells
order by kind, month desc, channel, device_class
