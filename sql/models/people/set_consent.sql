-- purpose: until when events of a set of identifiers count without them, because the person withdrew consent to analytics
-- grain: one row per set of identifiers that a withdrawal reaches
-- key: identifier_set
-- kept: accumulated
-- reads: set_consent_stored (identifier_set varchar, stripped_before_s double)
-- published: no
-- All before the first consent that follows the last withdrawal is stripped, whichever order the events came in. Consent
-- is given in the scope in which it was withdrawn: a browser's for its own cookie, any other for the person.
with last_withdrawals as (
    select consent_reach.identifier_set, max(consent_withdrawals.at_s) as withdrawn_s
    from consent_reach
    inner join consent_withdrawals on consent_withdrawals.scope = consent_reach.scope
    group by consent_reach.identifier_set
),

consents as (
    select distinct consent_reach.scope, event_once.at_s
    from event_once
    inner join consent_reach on consent_reach.identifier_set = event_once.identifier_set
    where event_once.gives_consent
        and case
            when consent_reach.scope like 'cookie/%' then event_once.trust = 'browser'
            else event_once.trust <> 'browser'
        end
)

select
    last_withdrawals.identifier_set,
    coalesce(min(consents.at_s), 1e18) as stripped_before_s
from last_withdrawals
inner join consent_reach on consent_reach.identifier_set = last_withdrawals.identifier_set
left join consents
    on consents.scope = consent_reach.scope
    and consents.at_s > last_withdrawals.withdrawn_s
group by last_withdrawals.identifier_set
