-- purpose: the identifiers of each set that makes persons
-- grain: one row per set and identifier
-- key: identifier_set, identifier
-- kept: table
-- published: no
select
    set_members.identifier_set,
    set_members.identifier,
    set_members.kind,
    set_members.kind_no,
    set_members.strength,
    identity_sets.first_seen_at,
    identity_sets.event_key
from identity_sets
inner join set_members on set_members.identifier_set = identity_sets.identifier_set
