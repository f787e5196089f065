-- purpose: the identifiers of each set, with the rank of their kind: strong ones (1) name a person first
-- grain: one row per set and identifier
-- key: identifier_set, identifier
-- kept: table
-- published: no
-- The letter in front of an identifier is its kind.
with members as (
    select
        identifier_sets.identifier_set,
        split_part(identifier_sets.identifier_set, '|', places.place) as identifier
    from identifier_sets
    cross join (values (1), (2), (3), (4), (5), (6)) as places (place)
)

select
    members.identifier_set,
    members.identifier,
    identifier_kinds.kind,
    identifier_kinds.kind_no,
    identifier_kinds.strength
from members
inner join (
    values
        ('u', 'user_id', 1, 1),
        ('c', 'crm_id', 2, 1),
        ('l', 'loyalty_card', 3, 1),
        ('e', 'email', 4, 2),
        ('p', 'phone', 5, 2),
        ('a', 'anonymous_id', 6, 3)
) as identifier_kinds (letter, kind, kind_no, strength)
    -- a set has fewer than six as a rule: what is not there has no kind
    on identifier_kinds.letter = substr(members.identifier, 1, 1)
