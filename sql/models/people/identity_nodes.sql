-- purpose: every identifier once, numbered by when it was first seen
-- grain: one row per identifier
-- key: identifier
-- kept: table
-- published: no
-- label_key spreads the number by the golden ratio below the prime 2^31 - 1 (one to one): a chain of identifiers that
-- grew in time would need 125 rounds to join without it, and needs 7 with it.
with identifiers as (
    select
        identity_members.identifier,
        identity_members.kind,
        identity_members.strength,
        min(identity_members.first_seen_at) as first_seen_at
    from identity_members
    group by identity_members.identifier, identity_members.kind, identity_members.strength
),

numbered as (
    select
        identifiers.*,
        row_number() over (order by identifiers.first_seen_at, identifiers.identifier) as node
    from identifiers
)

select
    numbered.*,
    mod(numbered.node * 1327217885, 2147483647) as label_key
from numbered
