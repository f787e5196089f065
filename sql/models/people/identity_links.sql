-- purpose: why identifiers are one person's: each link, the event that made it, and when
-- grain: one row per pair of linked identifiers
-- key: identifier_a, identifier_b
-- kept: table
-- published: yes
-- columns:
--   identifier_a: keyed hash of the stronger identifier
--   identifier_b: keyed hash of the other
--   event_id: source and id of the event that first showed both
--   linked_at: when that was (UTC)
--   person_id: whose they are; null where one of them is shared, so that the link joins nobody
select
    identity_pairs.identifier_a,
    identity_pairs.identifier_b,
    identity_pairs.event_key as event_id,
    identity_pairs.linked_at,
    case when not person_a.is_shared and not person_b.is_shared then person_a.person_id end as person_id
from identity_pairs
inner join identity_persons as person_a on person_a.identifier = identity_pairs.identifier_a
inner join identity_persons as person_b on person_b.identifier = identity_pairs.identifier_b
