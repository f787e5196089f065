-- purpose: every reporting day from the first of the data to the last whole one
-- grain: one row per day
-- key: day
-- kept: table
-- published: no
-- 10,000 days are what one sequence may hold in Trino: 27 years.
select date_add('day', day_numbers.day_no - 1, horizon.first_day) as day
from horizon
cross join unnest(sequence(1, 10000)) as day_numbers (day_no)
where day_numbers.day_no <= date_diff('day', horizon.first_day, horizon.as_of_day) + 1
