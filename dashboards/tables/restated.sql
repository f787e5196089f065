-- Closed days that a full refresh moved, by month, table and reason; of the models the default one's.
select
    strftime(day, '%Y-%m') as month, table_name, reason,
    cast(sum(rows) as double) as rows,
    cast(sum(revenue_before) as double) as revenue_before,
    cast(sum(revenue_after) as double) as revenue_after,
    strftime(max(known_at) at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as known_at
from restatements, site
where model in ('(none)', site.default_model)
group by all
-- A row is a conversion or touch that moved: of fewer than 5 no amount is told.
having sum(rows) >= 5
order by month desc, table_name, reason
