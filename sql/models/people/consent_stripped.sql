-- purpose: events that count without their identifiers, because the person withdrew the consent to analytics
-- grain: one row per event
-- key: event_key
-- kept: table
-- published: no
-- A server's or a file's word is of the whole person, a browser's of its own cookie: its key is public. All before the
-- first consent that follows the last withdrawal is stripped, whichever order the events came in.
with identifiers as (
    select event_once.event_key, event_once.anonymous_id, event_once.trust, event_once.at_s, event_once.gives_consent,
        coalesce(
            event_once.user_id, event_once.crm_id, event_once.loyalty_card,
            event_once.email, event_once.phone, event_once.anonymous_id
        ) as first_identifier
    from event_once
    where (not event_once.has_consent or event_once.gives_consent)
        and not event_once.is_bot
),

named as (
    select consent_nodes.identifier, coalesce(consent_labels.root, consent_nodes.label_key) as root
    from consent_nodes
    left join consent_labels on consent_labels.label_key = consent_nodes.label_key
),

carried as (
    select event_once.event_key, event_once.at_s, event_once.gives_consent, event_once.user_id as identifier
    from event_once
    where event_once.user_id is not null
        and (not event_once.has_consent or event_once.gives_consent)
        and event_once.trust <> 'browser'
        and not event_once.is_bot
    union
    select event_once.event_key, event_once.at_s, event_once.gives_consent, event_once.crm_id as identifier
    from event_once
    where event_once.crm_id is not null
        and (not event_once.has_consent or event_once.gives_consent)
        and event_once.trust <> 'browser'
        and not event_once.is_bot
    union
    select event_once.event_key, event_once.at_s, event_once.gives_consent, event_once.loyalty_card as identifier
    from event_once
    where event_once.loyalty_card is not null
        and (not event_once.has_consent or event_once.gives_consent)
        and event_once.trust <> 'browser'
        and not event_once.is_bot
    union
    select event_once.event_key, event_once.at_s, event_once.gives_consent, event_once.email as identifier
    from event_once
    where event_once.email is not null
        and (not event_once.has_consent or event_once.gives_consent)
        and event_once.trust <> 'browser'
        and not event_once.is_bot
    union
    select event_once.event_key, event_once.at_s, event_once.gives_consent, event_once.phone as identifier
    from event_once
    where event_once.phone is not null
        and (not event_once.has_consent or event_once.gives_consent)
        and event_once.trust <> 'browser'
        and not event_once.is_bot
    union
    select event_once.event_key, event_once.at_s, event_once.gives_consent, event_once.anonymous_id as identifier
    from event_once
    where event_once.anonymous_id is not null
        and (not event_once.has_consent or event_once.gives_consent)
        and event_once.trust <> 'browser'
        and not event_once.is_bot
),

statements as (
    select
        case when named.root is null then carried.identifier else 'person/' || cast(named.root as varchar) end as scope,
        carried.at_s,
        carried.gives_consent
    from carried
    left join named on named.identifier = carried.identifier
    where carried.identifier not in (select consent_hubs.identifier from consent_hubs)
    union
    select 'cookie/' || identifiers.anonymous_id, identifiers.at_s, identifiers.gives_consent
    from identifiers
    where identifiers.trust = 'browser'
        and identifiers.anonymous_id is not null
),

reach as (
    select named.identifier, 'person/' || cast(named.root as varchar) as scope
    from named
    inner join (select distinct statements.scope from statements) as said
        on said.scope = 'person/' || cast(named.root as varchar)
    union
    select statements.scope, statements.scope
    from statements
    where statements.scope not like 'person/%'
        and statements.scope not like 'cookie/%'
    union
    select substr(statements.scope, 8), statements.scope
    from statements
    where statements.scope like 'cookie/%'
),

reached as (
    select event_once.event_key, event_once.at_s, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.user_id
    union
    select event_once.event_key, event_once.at_s, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.crm_id
    union
    select event_once.event_key, event_once.at_s, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.loyalty_card
    union
    select event_once.event_key, event_once.at_s, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.email
    union
    select event_once.event_key, event_once.at_s, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.phone
    union
    select event_once.event_key, event_once.at_s, reach.scope
    from event_once
    inner join reach on reach.identifier = event_once.anonymous_id
),

last_withdrawals as (
    select reached.event_key, max(reached.at_s) as at_s, max(statements.at_s) as withdrawn_s
    from reached
    inner join statements on statements.scope = reached.scope
    where not statements.gives_consent
    group by reached.event_key
),

given_again as (
    select last_withdrawals.event_key, min(statements.at_s) as given_s
    from last_withdrawals
    inner join reached on reached.event_key = last_withdrawals.event_key
    inner join statements
        on statements.scope = reached.scope
        and statements.at_s > last_withdrawals.withdrawn_s
    where statements.gives_consent
    group by last_withdrawals.event_key
)

select last_withdrawals.event_key
from last_withdrawals
left join given_again on given_again.event_key = last_withdrawals.event_key
where last_withdrawals.at_s < coalesce(given_again.given_s, 1e18)
union
select identifiers.event_key
from identifiers
where not identifiers.gives_consent
    and identifiers.first_identifier is not null
