-- purpose: the distinct sets of identifiers that events carried, so that links are made from sets and not from every event
-- grain: one row per distinct set of identifiers
-- key: set_no
-- kept: table
-- published: no
-- A bot's event makes no link, and neither does one stripped by a withdrawal of consent. The first event is found by the least of its time and key in one text: ties never depend
-- on the order of rows.
with sets as (
    select
        event_once.user_id,
        event_once.crm_id,
        event_once.loyalty_card,
        event_once.email,
        event_once.phone,
        event_once.anonymous_id,
        min(event_once.seen_at) as first_seen_at,
        substr(
            min(
                lpad(cast(cast(round(to_unixtime(event_once.seen_at) * 1000) as bigint) as varchar), 15, '0')
                || event_once.event_key
            ),
            16
        ) as event_key
    from event_once
    where not event_once.is_bot
        and event_once.event_key not in (select consent_stripped.event_key from consent_stripped)
        and coalesce(
            event_once.user_id, event_once.crm_id, event_once.loyalty_card,
            event_once.email, event_once.phone, event_once.anonymous_id
        ) is not null
    group by
        event_once.user_id, event_once.crm_id, event_once.loyalty_card,
        event_once.email, event_once.phone, event_once.anonymous_id
)

select
    row_number() over (
        order by
            sets.user_id, sets.crm_id, sets.loyalty_card, sets.email, sets.phone, sets.anonymous_id
    ) as set_no,
    sets.*
from sets
