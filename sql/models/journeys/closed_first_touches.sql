-- purpose: the first touch of closed days of each set of identifiers, and of each person of its own
-- grain: one row per owner
-- key: owner
-- kept: accumulated
-- reads: closed_first_touches_stored (owner varchar, touch_id varchar, channel varchar, device_class varchar, touch_date date, occurred_at timestamptz, at_s double)
-- published: no
with seen as (
    select
        touch_base.owner,
        touch_base.touch_id,
        touch_base.channel,
        touch_base.device_class,
        touch_base.touch_date,
        touch_base.occurred_at,
        touch_base.at_s
    from touch_base
    cross join horizon
    where touch_base.touch_date >= date '0001-01-01' /* closed before */
        and touch_base.touch_date < horizon.open_from_day
    union all
    select
        closed_first_touches_stored.owner,
        closed_first_touches_stored.touch_id,
        closed_first_touches_stored.channel,
        closed_first_touches_stored.device_class,
        closed_first_touches_stored.touch_date,
        closed_first_touches_stored.occurred_at,
        closed_first_touches_stored.at_s
    from closed_first_touches_stored
),

numbered as (
    select seen.*, row_number() over (partition by seen.owner order by seen.occurred_at, seen.touch_id) as place
    from seen
)

select
    numbered.owner,
    numbered.touch_id,
    numbered.channel,
    numbered.device_class,
    numbered.touch_date,
    numbered.occurred_at,
    numbered.at_s
from numbered
where numbered.place = 1
