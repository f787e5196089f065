-- purpose: the names that a person had before: each identifier that would name the person, had a better one not joined it
-- grain: one row per name that is no longer in use
-- key: old_person_id
-- kept: table
-- published: yes
-- columns:
--   old_person_id: the person_id that these identifiers had on their own
--   new_person_id: the person_id that they have now
--   since: when they were first linked (UTC)
with first_links as (
    select linked.identifier, min(linked.linked_at) as since
    from (
        select identity_links.identifier_a as identifier, identity_links.linked_at
        from identity_links
        where identity_links.person_id is not null
        union all
        select identity_links.identifier_b, identity_links.linked_at
        from identity_links
        where identity_links.person_id is not null
    ) as linked
    group by linked.identifier
)

select
    identity_persons.identifier as old_person_id,
    identity_persons.person_id as new_person_id,
    first_links.since
from identity_persons
inner join first_links on first_links.identifier = identity_persons.identifier
where identity_persons.identifier <> identity_persons.person_id
