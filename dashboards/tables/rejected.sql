-- What could not be read, by source and reason. The messages stay out of the site: they quote what was sent.
select
    source, reason, cast(records as double) as records,
    strftime(first_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as first_at,
    strftime(last_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as last_at
from rejected_records
order by records desc, source, reason
