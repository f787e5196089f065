-- Orders that two sources tell differently, by field and pair of sources.
select field, kept_source, other_source, cast(count(*) as double) as orders
from field_conflicts
group by all
order by orders desc, field, kept_source, other_source
