-- purpose: whose each set of identifiers is: an event follows its first identifier that is not shared
-- grain: one row per distinct set of identifiers
-- key: identifier_set
-- kept: table
-- published: no
-- Null where all of them are shared: such an event is a person of its own.
with ranked as (
    select
        set_members.identifier_set,
        set_members.identifier,
        set_members.kind_no,
        row_number() over (partition by set_members.identifier_set order by set_members.kind_no) as place,
        identity_persons.person_id,
        identity_persons.is_shared
    from set_members
    left join identity_persons on identity_persons.identifier = set_members.identifier
)

select
    ranked.identifier_set,
    case
        when max(case when ranked.place = 1 and ranked.is_shared then 1 else 0 end) = 0 then
            max(case when ranked.place = 1 then coalesce(ranked.person_id, ranked.identifier) end)
        else min_by(ranked.person_id, ranked.kind_no) filter (where not ranked.is_shared)
    end as person_id
from ranked
group by ranked.identifier_set
