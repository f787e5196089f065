-- purpose: the sets of identifiers that a withdrawal of consent reaches
-- grain: one row per set of identifiers and scope that reaches it
-- key: identifier_set, scope
-- kept: table
-- published: no
with said as (
    select distinct consent_withdrawals.scope
    from consent_withdrawals
),

reach as (
    select consent_nodes.identifier, said.scope
    from consent_nodes
    left join consent_labels on consent_labels.label_key = consent_nodes.label_key
    inner join said
        on said.scope = 'person/' || cast(coalesce(consent_labels.root, consent_nodes.label_key) as varchar)
    union
    select said.scope, said.scope
    from said
    where said.scope not like 'person/%'
        and said.scope not like 'cookie/%'
    union
    select substr(said.scope, 8), said.scope
    from said
    where said.scope like 'cookie/%'
)

select distinct set_members.identifier_set, reach.scope
from set_members
inner join reach on reach.identifier = set_members.identifier
