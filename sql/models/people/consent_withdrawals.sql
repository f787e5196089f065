-- purpose: who withdrew consent to analytics, and when
-- grain: one row per scope and withdrawal: a person of linked identifiers, an identifier by itself, or a browser's cookie
-- key: none
-- kept: table
-- published: no
-- A server's or a file's word is of the whole person, a browser's of its own cookie: its key is public. Tables of their
-- own, since Trino writes a CTE out at each of its uses and refuses a statement of too many stages.
with withdrawing as (
    select event_once.*
    from event_once
    where not event_once.has_consent
        and not event_once.is_bot
),

named as (
    select consent_nodes.identifier, coalesce(consent_labels.root, consent_nodes.label_key) as root
    from consent_nodes
    left join consent_labels on consent_labels.label_key = consent_nodes.label_key
),

carried as (
    select withdrawing.event_key, withdrawing.at_s, withdrawing.user_id as identifier
    from withdrawing
    where withdrawing.user_id is not null and withdrawing.trust <> 'browser'
    union
    select withdrawing.event_key, withdrawing.at_s, withdrawing.crm_id as identifier
    from withdrawing
    where withdrawing.crm_id is not null and withdrawing.trust <> 'browser'
    union
    select withdrawing.event_key, withdrawing.at_s, withdrawing.loyalty_card as identifier
    from withdrawing
    where withdrawing.loyalty_card is not null and withdrawing.trust <> 'browser'
    union
    select withdrawing.event_key, withdrawing.at_s, withdrawing.email as identifier
    from withdrawing
    where withdrawing.email is not null and withdrawing.trust <> 'browser'
    union
    select withdrawing.event_key, withdrawing.at_s, withdrawing.phone as identifier
    from withdrawing
    where withdrawing.phone is not null and withdrawing.trust <> 'browser'
    union
    select withdrawing.event_key, withdrawing.at_s, withdrawing.anonymous_id as identifier
    from withdrawing
    where withdrawing.anonymous_id is not null and withdrawing.trust <> 'browser'
)

select
    case when named.root is null then carried.identifier else 'person/' || cast(named.root as varchar) end as scope,
    carried.at_s
from carried
left join named on named.identifier = carried.identifier
where carried.identifier not in (select consent_hubs.identifier from consent_hubs)
union
select 'cookie/' || withdrawing.anonymous_id, withdrawing.at_s
from withdrawing
where withdrawing.trust = 'browser'
    and withdrawing.anonymous_id is not null
