-- purpose: the links that count, no shared identifier at either end, as pairs of label keys
-- grain: one row per pair
-- key: hi, lo
-- kept: table
-- published: no
select distinct
    case when node_a.label_key > node_b.label_key then node_a.label_key else node_b.label_key end as hi,
    case when node_a.label_key > node_b.label_key then node_b.label_key else node_a.label_key end as lo
from identity_pairs
inner join identity_nodes as node_a on node_a.identifier = identity_pairs.identifier_a
inner join identity_nodes as node_b on node_b.identifier = identity_pairs.identifier_b
where identity_pairs.identifier_a not in (select identity_hubs.identifier from identity_hubs)
    and identity_pairs.identifier_b not in (select identity_hubs.identifier from identity_hubs)
