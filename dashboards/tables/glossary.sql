-- Every word and every column, from the same text as the code's: made from the models' headers and docs/definitions.md.
select
    case when site.language = 'en' then section_en else section_it end as section,
    case when site.language = 'en' then term_en else term_it end as term,
    case when site.language = 'en' then text_en else text_it end as text,
    source
from glossary_entries, site
order by place
