-- purpose: copies of events that came later than lateness_days after they happened, by the day on which they came
-- grain: one row per source, day of arrival and build that took them in
-- key: none
-- kept: appended
-- published: no
-- Days are asked of quarters of an hour, at which all zones change, since of every copy it would cost as much as reading it.
with quarters as (
    select
        stg_arrivals.source,
        floor(to_unixtime(stg_arrivals.received_at) / 900e0) as quarter,
        min(stg_arrivals.received_at) as received_at,
        count(*) as copies
    from stg_arrivals
    cross join settings
    where to_unixtime(stg_arrivals.received_at) - to_unixtime(stg_arrivals.occurred_at) > settings.lateness_days * 86400e0
    group by stg_arrivals.source, floor(to_unixtime(stg_arrivals.received_at) / 900e0)
)

select
    quarters.source,
    cast(quarters.received_at at time zone 'Europe/Rome' /* time zone */ as date) as received_date,
    cast(sum(quarters.copies) as bigint) as copies
from quarters
group by quarters.source, cast(quarters.received_at at time zone 'Europe/Rome' /* time zone */ as date)
