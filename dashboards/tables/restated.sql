-- Closed days that a full refresh moved, by month, table and reason.
select
    strftime(day, '%Y-%m') as month, table_name, reason,
    cast(sum(rows) as double) as rows,
    cast(sum(revenue_before) as double) as revenue_before,
    cast(sum(revenue_after) as double) as revenue_after,
    strftime(max(known_at) at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as known_at
from restatements
group by all
order by month desc, table_name, reason
