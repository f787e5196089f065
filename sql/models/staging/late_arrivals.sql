-- purpose: copies of events that came later than lateness_days after they happened, by the day on which they came
-- grain: one row per source, day of arrival and build that took them in
-- key: none
-- kept: appended
-- published: no
select
    stg_arrivals.source,
    cast(stg_arrivals.received_at at time zone 'Europe/Rome' /* time zone */ as date) as received_date,
    count(*) as copies
from stg_arrivals
cross join settings
where to_unixtime(stg_arrivals.received_at) - to_unixtime(stg_arrivals.occurred_at) > settings.lateness_days * 86400e0
group by stg_arrivals.source, cast(stg_arrivals.received_at at time zone 'Europe/Rome' /* time zone */ as date)
