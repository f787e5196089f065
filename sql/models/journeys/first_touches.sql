-- purpose: each person's first touch
-- grain: one row per person with a touch
-- key: person_id
-- kept: table
-- published: no
with seen as (
    select
        touch_base.person_id,
        touch_base.touch_id,
        touch_base.channel,
        touch_base.device_class,
        touch_base.touch_date,
        touch_base.occurred_at,
        touch_base.at_s
    from touch_base
    cross join horizon
    where touch_base.seq = 1
        and touch_base.touch_date >= horizon.open_from_day
    union all
    select
        case
            when closed_first_touches.owner like 'x:%' then closed_first_touches.owner
            else set_persons.person_id
        end,
        closed_first_touches.touch_id,
        closed_first_touches.channel,
        closed_first_touches.device_class,
        closed_first_touches.touch_date,
        closed_first_touches.occurred_at,
        closed_first_touches.at_s
    from closed_first_touches
    left join set_persons on set_persons.identifier_set = closed_first_touches.owner
),

numbered as (
    select seen.*, row_number() over (partition by seen.person_id order by seen.occurred_at, seen.touch_id) as place
    from seen
    where seen.person_id is not null
)

select
    numbered.person_id,
    numbered.touch_id,
    numbered.channel,
    numbered.device_class,
    numbered.touch_date,
    numbered.occurred_at,
    numbered.at_s
from numbered
where numbered.place = 1
