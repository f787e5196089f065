-- purpose: who withdrew consent to analytics, and when
-- grain: one row per scope and withdrawal: a person of linked identifiers, an identifier by itself, or a browser's cookie
-- key: none
-- kept: table
-- published: no
-- A server's or a file's word is of the whole person, a browser's of its own cookie: its key is public. Tables of their
-- own, since Trino writes a CTE out at each of its uses and refuses a statement of too many stages.
with withdrawing as (
    select event_once.identifier_set, event_once.anonymous_id, event_once.trust, event_once.at_s
    from event_once
    where not event_once.has_consent
        and not event_once.is_bot
        and event_once.identifier_set is not null
),

named as (
    select consent_nodes.identifier, coalesce(consent_labels.root, consent_nodes.label_key) as root
    from consent_nodes
    left join consent_labels on consent_labels.label_key = consent_nodes.label_key
)

select distinct
    case when named.root is null then set_members.identifier else 'person/' || cast(named.root as varchar) end as scope,
    withdrawing.at_s
from withdrawing
inner join set_members on set_members.identifier_set = withdrawing.identifier_set
left join named on named.identifier = set_members.identifier
where withdrawing.trust <> 'browser'
    and set_members.identifier not in (select consent_hubs.identifier from consent_hubs)
union
select 'cookie/' || withdrawing.anonymous_id, withdrawing.at_s
from withdrawing
where withdrawing.trust = 'browser'
    and withdrawing.anonymous_id is not null
