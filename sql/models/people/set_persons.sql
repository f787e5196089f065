-- purpose: whose each set of identifiers is: an event follows its first identifier that is not shared
-- grain: one row per distinct set of identifiers
-- key: identifier_set
-- kept: table
-- published: no
-- Null where all of them are shared: such an event is a person of its own.
-- A set has one identifier of a kind, so the least kind is the first.
select
    set_members.identifier_set,
    case
        when min_by(coalesce(identity_persons.is_shared, false), set_members.kind_no)
            then min_by(identity_persons.person_id, set_members.kind_no) filter (where not identity_persons.is_shared)
        else min_by(coalesce(identity_persons.person_id, set_members.identifier), set_members.kind_no)
    end as person_id
from set_members
left join identity_persons on identity_persons.identifier = set_members.identifier
group by set_members.identifier_set
