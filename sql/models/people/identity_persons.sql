-- purpose: whose each identifier is: the component's best one (strong kinds first, then the earliest seen) names the person
-- grain: one row per identifier
-- key: identifier
-- kept: table
-- published: no
with rooted as (
    select
        identity_nodes.identifier,
        identity_nodes.kind,
        identity_nodes.strength,
        identity_nodes.first_seen_at,
        coalesce(identity_labels.root, identity_nodes.label_key) as root
    from identity_nodes
    left join identity_labels on identity_labels.label_key = identity_nodes.label_key
),

ranked as (
    select
        rooted.*,
        row_number() over (
            partition by rooted.root
            order by rooted.strength, rooted.first_seen_at, rooted.identifier
        ) as name_no
    from rooted
),

names as (
    select ranked.root, ranked.identifier as person_id
    from ranked
    where ranked.name_no = 1
)

select
    rooted.identifier,
    rooted.kind,
    rooted.strength,
    rooted.first_seen_at,
    names.person_id,
    shared.identifier is not null as is_shared
from rooted
inner join names on names.root = rooted.root
left join (select distinct identity_hubs.identifier from identity_hubs) as shared
    on shared.identifier = rooted.identifier
