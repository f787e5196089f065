-- purpose: nobody enters a stage before an earlier one
-- severity: error
-- model: stage_entries
select this_stage.person_id, this_stage.stage, next_stage.stage as next_stage
from stage_times as this_stage
inner join stage_times as next_stage
    on next_stage.person_id = this_stage.person_id
    and next_stage.stage_no = this_stage.stage_no + 1
where next_stage.entered_s < this_stage.entered_s
