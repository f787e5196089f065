-- purpose: when each set of identifiers, and each person of its own, was first and last seen on closed days
-- grain: one row per owner
-- key: owner
-- kept: accumulated
-- reads: closed_signs_stored (owner varchar, first_seen_at timestamptz, last_sign_s double)
-- published: no
with seen as (
    select
        person_events.owner,
        person_events.occurred_at as first_seen_at,
        case when person_events.event_type not in ('Email Sent', 'Email Opened', 'Ad Viewed') then person_events.at_s end
            as last_sign_s
    from person_events
    cross join horizon
    where not person_events.is_bot
        and person_events.owner is not null
        and person_events.event_date >= date '0001-01-01' /* closed before */
        and person_events.event_date < horizon.open_from_day
    union all
    select closed_signs_stored.owner, closed_signs_stored.first_seen_at, closed_signs_stored.last_sign_s
    from closed_signs_stored
)

select seen.owner, min(seen.first_seen_at) as first_seen_at, max(seen.last_sign_s) as last_sign_s
from seen
group by seen.owner
