-- purpose: the last whole reporting day, on which every period ends, the first day that stays open, and what bounds the data
-- grain: one row
-- key: as_of_day
-- kept: table
-- published: no
with last_days as (
    select max(source_days.event_date) as last_day, min(source_days.event_date) as first_day
    from source_days
    union all
    select max(stg_costs.cost_date), min(stg_costs.cost_date)
    from stg_costs
),

bounds as (
    select
        coalesce(
            max(settings.as_of_wanted),
            least(
                coalesce(max(last_days.last_day), date_add('day', -1, max(settings.today))),
                date_add('day', -1, max(settings.today))
            )
        ) as as_of_day,
        min(last_days.first_day) as first_day,
        max(settings.lateness_days) as lateness_days
    from last_days
    cross join settings
)

select
    bounds.as_of_day,
    case when bounds.first_day <= bounds.as_of_day then bounds.first_day else bounds.as_of_day end as first_day,
    date_add('day', -bounds.lateness_days, bounds.as_of_day) as open_from_day,
    with_timezone(
        cast(date_add('day', 1, bounds.as_of_day) as timestamp(6)), 'Europe/Rome' /* time zone */
    ) as as_of_at
from bounds
