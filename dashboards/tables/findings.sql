-- What is worth saying, in the company's language.
select
    finding_id, period, topic, subject, page, cast(importance as double) as importance,
    case when site.language = 'en' then text_en else text_it end as text
from findings, site
order by importance desc, finding_id
