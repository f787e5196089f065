-- purpose: shared identifiers (a shop's tablet, a switchboard, an agency's mailbox): with more links than a person has; they join nobody
-- grain: one row per shared identifier and kind that it links to too often
-- key: identifier, linked_kind
-- kept: table
-- published: yes
-- columns:
--   identifier: keyed hash of the shared identifier
--   kind: its kind
--   linked_kind: the kind of identifier that it is linked with too often
--   links: with how many different ones
with neighbours as (
    select identity_pairs.identifier_a as identifier, identity_pairs.kind_a as kind, identity_pairs.kind_b as linked_kind
    from identity_pairs
    union all
    select identity_pairs.identifier_b, identity_pairs.kind_b, identity_pairs.kind_a
    from identity_pairs
)

select
    neighbours.identifier,
    neighbours.kind,
    neighbours.linked_kind,
    count(*) as links
from neighbours
inner join identity_limits
    on identity_limits.kind = neighbours.kind
    and identity_limits.linked_kind = neighbours.linked_kind
group by neighbours.identifier, neighbours.kind, neighbours.linked_kind
having count(*) > max(identity_limits.max_links)
