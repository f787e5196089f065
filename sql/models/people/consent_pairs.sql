-- purpose: pairs of identifiers seen together by any event, also by those that a withdrawal of consent strips: how far it reaches
-- grain: one row per pair of identifiers, the stronger kind first
-- key: identifier_a, identifier_b
-- kept: table
-- published: no
-- Empty where nobody withdrew, so that the models made of it cost nothing.
select distinct
    member_a.identifier as identifier_a,
    member_a.kind as kind_a,
    member_b.identifier as identifier_b,
    member_b.kind as kind_b
from consent_members as member_a
inner join consent_members as member_b
    on member_b.group_key = member_a.group_key
    and (
        member_b.kind_no > member_a.kind_no
        or (member_b.kind_no = member_a.kind_no and member_b.identifier > member_a.identifier)
    )
left join identity_unlinks
    on identity_unlinks.identifier_a = member_a.identifier
    and identity_unlinks.identifier_b = member_b.identifier
where identity_unlinks.identifier_a is null
