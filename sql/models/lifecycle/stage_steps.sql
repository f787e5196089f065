-- purpose: each entry into a stage with its group and the time to the next stage, once for every cut that pages show
-- grain: one row per person, stage and cut; a cut is a channel or (all), a device or (all), a month or (all)
-- key: person_id, stage_no, channel, device_class, cohort_month
-- kept: table
-- published: no
with steps as (
    select
        this_stage.person_id,
        this_stage.stage_no,
        this_stage.stage,
        this_stage.is_inferred,
        person_stages.first_channel as channel,
        person_stages.first_device as device_class,
        date_format(this_stage.entered_date, '%Y-%m') as cohort_month,
        (next_stage.entered_s - this_stage.entered_s) / 86400e0 as days_to_next,
        (to_unixtime(horizon.as_of_at) - this_stage.entered_s) / 86400e0 as days_followed
    from stage_times as this_stage
    cross join horizon
    inner join person_stages on person_stages.person_id = this_stage.person_id
    left join stage_times as next_stage
        on next_stage.person_id = this_stage.person_id
        and next_stage.stage_no = this_stage.stage_no + 1
    where this_stage.stage_no < 5
)

select
    steps.person_id,
    steps.stage_no,
    steps.stage,
    steps.is_inferred,
    case when cuts.by_channel = 1 then steps.channel else '(all)' end as channel,
    case when cuts.by_device = 1 then steps.device_class else '(all)' end as device_class,
    case when cuts.by_month = 1 then steps.cohort_month else '(all)' end as cohort_month,
    steps.days_to_next,
    steps.days_followed
from steps
cross join (
    values (0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)
) as cuts (by_channel, by_device, by_month)
