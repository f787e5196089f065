-- purpose: each event with its person and its declared traffic: what every later model reads
-- grain: one row per event
-- key: event_key
-- kept: table
-- published: no
-- An event follows its first identifier that is not shared. One with shared identifiers alone is a person of its own, and
-- so is a conversion without any (or stripped of them by a withdrawal of consent); other events without identifiers are counted and belong to nobody.
with keyed as (
    select
        event_once.*,
        consent_stripped.event_key is not null as is_stripped,
        case
            when consent_stripped.event_key is null then
                coalesce(
                    event_once.user_id, event_once.crm_id, event_once.loyalty_card,
                    event_once.email, event_once.phone, event_once.anonymous_id
                )
        end as first_identifier
    from event_once
    left join consent_stripped on consent_stripped.event_key = event_once.event_key
),

shared_events as (
    select keyed.event_key, keyed.user_id, keyed.crm_id, keyed.loyalty_card, keyed.email, keyed.phone, keyed.anonymous_id
    from keyed
    inner join identity_persons on identity_persons.identifier = keyed.first_identifier
    where identity_persons.is_shared
),

shared_members as (
    select event_key, user_id as identifier, 1 as kind_no from shared_events
    union all
    select event_key, crm_id, 2 from shared_events
    union all
    select event_key, loyalty_card, 3 from shared_events
    union all
    select event_key, email, 4 from shared_events
    union all
    select event_key, phone, 5 from shared_events
    union all
    select event_key, anonymous_id, 6 from shared_events
),

unshared_persons as (
    select
        shared_members.event_key,
        min_by(identity_persons.person_id, shared_members.kind_no) as person_id
    from shared_members
    inner join identity_persons on identity_persons.identifier = shared_members.identifier
    where not identity_persons.is_shared
    group by shared_members.event_key
)

select
    keyed.event_key,
    keyed.source as event_source,
    keyed.event_id,
    keyed.event_type,
    case
        when identity_persons.is_shared then
            coalesce(
                unshared_persons.person_id,
                'x:' || lower(substr(to_hex(sha256(to_utf8(keyed.event_key))), 1, 24))
            )
        when identity_persons.person_id is not null then identity_persons.person_id
        when keyed.first_identifier is not null then keyed.first_identifier
        when keyed.event_type in ('Order Completed', 'Order Refunded', 'Opportunity Created', 'Opportunity Won')
            or conversion_events.event_type is not null then
            'x:' || lower(substr(to_hex(sha256(to_utf8(keyed.event_key))), 1, 24))
    end as person_id,
    case when not keyed.is_stripped then keyed.anonymous_id end as anonymous_id,
    keyed.trust,
    keyed.source_trust,
    traffic.source,
    traffic.medium,
    traffic.campaign,
    coalesce(traffic.listed_channel, keyed.touch_channel, traffic.channel) as channel,
    coalesce(keyed.device_class, case when channels.is_offline then 'offline' else 'other' end) as device_class,
    keyed.landing_page,
    keyed.order_id,
    case when not keyed.is_stripped then keyed.referral_id end as referral_id,
    keyed.revenue,
    keyed.margin,
    keyed.score,
    keyed.is_bot,
    keyed.has_consent and not keyed.is_stripped as has_consent,
    case when not keyed.is_stripped then keyed.customer_since end as customer_since,
    keyed.event_date,
    keyed.occurred_at,
    keyed.received_at,
    keyed.at_s,
    keyed.raw_object
from keyed
left join identity_persons on identity_persons.identifier = keyed.first_identifier
left join unshared_persons on unshared_persons.event_key = keyed.event_key
left join traffic on traffic.traffic_key = keyed.traffic_key
left join channels on channels.channel = keyed.touch_channel
left join (select distinct conversion_rules.event_type from conversion_rules) as conversion_events
    on conversion_events.event_type = keyed.event_type
