-- purpose: the events that a withdrawal of consent reaches, and which of them give it in the same scope
-- grain: one row per event and scope that reaches it
-- key: event_key, scope
-- kept: table
-- published: no
with named as (
    select consent_nodes.identifier, coalesce(consent_labels.root, consent_nodes.label_key) as root
    from consent_nodes
    left join consent_labels on consent_labels.label_key = consent_nodes.label_key
),

reach as (
    select named.identifier, 'person/' || cast(named.root as varchar) as scope
    from named
    inner join (select distinct consent_withdrawals.scope from consent_withdrawals) as said
        on said.scope = 'person/' || cast(named.root as varchar)
    union
    select consent_withdrawals.scope, consent_withdrawals.scope
    from consent_withdrawals
    where consent_withdrawals.scope not like 'person/%'
        and consent_withdrawals.scope not like 'cookie/%'
    union
    select substr(consent_withdrawals.scope, 8), consent_withdrawals.scope
    from consent_withdrawals
    where consent_withdrawals.scope like 'cookie/%'
),

reached as (
    select event_once.event_key, event_once.at_s, event_once.trust, event_once.gives_consent, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.user_id
    union
    select event_once.event_key, event_once.at_s, event_once.trust, event_once.gives_consent, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.crm_id
    union
    select event_once.event_key, event_once.at_s, event_once.trust, event_once.gives_consent, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.loyalty_card
    union
    select event_once.event_key, event_once.at_s, event_once.trust, event_once.gives_consent, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.email
    union
    select event_once.event_key, event_once.at_s, event_once.trust, event_once.gives_consent, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.phone
    union
    select event_once.event_key, event_once.at_s, event_once.trust, event_once.gives_consent, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.anonymous_id
)

select
    reached.event_key,
    reached.at_s,
    reached.scope,
    reached.gives_consent
    and case when reached.scope like 'cookie/%' then reached.trust = 'browser' else reached.trust <> 'browser' end
        as gives_consent
from reached
