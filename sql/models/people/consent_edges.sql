-- purpose: the links along which a withdrawal of consent reaches, as pairs of label keys
-- grain: one row per pair
-- key: hi, lo
-- kept: table
-- published: no
select distinct
    case when node_a.label_key > node_b.label_key then node_a.label_key else node_b.label_key end as hi,
    case when node_a.label_key > node_b.label_key then node_b.label_key else node_a.label_key end as lo
from consent_pairs
inner join consent_nodes as node_a on node_a.identifier = consent_pairs.identifier_a
inner join consent_nodes as node_b on node_b.identifier = consent_pairs.identifier_b
