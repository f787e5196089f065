-- purpose: the stored copies of events of days that are still open; all of them in a full refresh
-- grain: one row per copy of an event in raw
-- key: none
-- kept: appended
-- form: view
-- state: event_date >= date '0001-01-01' /* closed before */
-- published: no
-- What came in for a closed day is in late_facts until the next full refresh.
select stg_arrivals.*
from stg_arrivals
where stg_arrivals.event_date >= date '0001-01-01' /* closed before */
