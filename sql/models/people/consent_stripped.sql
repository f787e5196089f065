-- purpose: events that count without their identifiers, because the person withdrew the consent to analytics
-- grain: one row per event
-- key: event_key
-- kept: table
-- published: no
-- A server's or a file's word is of the whole person, a browser's of its own cookie: its key is public. All before the
-- first consent that follows the last withdrawal is stripped, whichever order the events came in.
with last_withdrawals as (
    select consent_reached.event_key, max(consent_reached.at_s) as at_s, max(consent_withdrawals.at_s) as withdrawn_s
    from consent_reached
    inner join consent_withdrawals on consent_withdrawals.scope = consent_reached.scope
    group by consent_reached.event_key
),

consents as (
    select consent_reached.scope, consent_reached.at_s
    from consent_reached
    where consent_reached.gives_consent
),

given_again as (
    select last_withdrawals.event_key, min(consents.at_s) as given_s
    from last_withdrawals
    inner join consent_reached on consent_reached.event_key = last_withdrawals.event_key
    inner join consents
        on consents.scope = consent_reached.scope
        and consents.at_s > last_withdrawals.withdrawn_s
    group by last_withdrawals.event_key
)

select last_withdrawals.event_key
from last_withdrawals
left join given_again on given_again.event_key = last_withdrawals.event_key
where last_withdrawals.at_s < coalesce(given_again.given_s, 1e18)
union
select event_once.event_key
from event_once
where not event_once.has_consent
    and not event_once.gives_consent
    and not event_once.is_bot
    and coalesce(
        event_once.user_id, event_once.crm_id, event_once.loyalty_card,
        event_once.email, event_once.phone, event_once.anonymous_id
    ) is not null
