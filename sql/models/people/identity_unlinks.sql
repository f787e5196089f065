-- purpose: pairs of identifiers whose link a person took out (percorso unlink): no link, and counted for no limit
-- grain: one row per pair and order of its two identifiers
-- key: identifier_a, identifier_b
-- kept: table
-- published: no
select raw_unlinks.identifier_a, raw_unlinks.identifier_b
from raw_unlinks
union
select raw_unlinks.identifier_b, raw_unlinks.identifier_a
from raw_unlinks
