-- purpose: shared identifiers among all links, those of stripped events included: a withdrawal reaches nobody through them
-- grain: one row per shared identifier
-- key: identifier
-- kept: table
-- published: no
with neighbours as (
    select consent_pairs.identifier_a as identifier, consent_pairs.kind_a as kind, consent_pairs.kind_b as linked_kind
    from consent_pairs
    union all
    select consent_pairs.identifier_b, consent_pairs.kind_b, consent_pairs.kind_a
    from consent_pairs
),

counted as (
    select neighbours.identifier
    from neighbours
    inner join identity_limits
        on identity_limits.kind = neighbours.kind
        and identity_limits.linked_kind = neighbours.linked_kind
    group by neighbours.identifier, neighbours.kind, neighbours.linked_kind
    having count(*) > max(identity_limits.max_links)
)

select distinct counted.identifier
from counted
