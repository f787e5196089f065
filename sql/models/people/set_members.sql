-- purpose: the identifiers of each set, with the rank of their kind: strong ones (1) name a person first
-- grain: one row per set and identifier
-- key: identifier_set, identifier
-- kept: table
-- published: no
-- The letter in front of an identifier is its kind.
with members as (
    select
        identifier_sets.identifier_set,
        substr(identifier_sets.identifier_set, 26 * places.place - 25, 26) as identifier
    from identifier_sets
    inner join (values (1), (2), (3), (4), (5), (6)) as places (place)
        on 26 * places.place <= length(identifier_sets.identifier_set)
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
    on identifier_kinds.letter = substr(members.identifier, 1, 1)
