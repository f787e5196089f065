-- Every word and every column, from the same text as the code's; the table is made from docs/definitions.md and the models' headers.
select section, term, text from glossary_entries order by place
