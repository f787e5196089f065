-- purpose: the unshared identifiers of all links, numbered as identity_nodes are
-- grain: one row per identifier
-- key: identifier
-- kept: table
-- published: no
with identifiers as (
    select consent_pairs.identifier_a as identifier
    from consent_pairs
    union
    select consent_pairs.identifier_b
    from consent_pairs
),

numbered as (
    select identifiers.identifier, row_number() over (order by identifiers.identifier) as node
    from identifiers
    where identifiers.identifier not in (select consent_hubs.identifier from consent_hubs)
)

select
    numbered.identifier,
    mod(numbered.node * 1327217885, 2147483647) as label_key
from numbered
