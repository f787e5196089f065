-- What the checks of the last build found. Their samples stay out of the site.
select check_name, model, severity, cast(failing_rows as double) as failing_rows
from check_results
order by failing_rows desc, check_name
