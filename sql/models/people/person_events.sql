-- purpose: each event with its person and its declared traffic: what every later model reads
-- grain: one row per event
-- key: event_key
-- kept: table
-- published: no
-- One with shared identifiers alone is a person of its own, and so is a conversion without any (or stripped of them by a
-- withdrawal of consent); other events without identifiers are counted and belong to nobody.
with keyed as (
    select
        event_once.*,
        event_once.identifier_set is not null
        and (
            event_once.at_s < coalesce(set_consent.stripped_before_s, -1e18)
            or (not event_once.has_consent and not event_once.is_bot)
        ) as is_stripped,
        set_persons.person_id as set_person_id
    from event_once
    left join set_persons on set_persons.identifier_set = event_once.identifier_set
    left join set_consent on set_consent.identifier_set = event_once.identifier_set
)

select
    keyed.event_key,
    keyed.source as event_source,
    keyed.event_id,
    keyed.event_type,
    case
        when keyed.identifier_set is not null and not keyed.is_stripped and keyed.set_person_id is not null
            then keyed.set_person_id
        when (keyed.identifier_set is not null and not keyed.is_stripped)
            or keyed.event_type in ('Order Completed', 'Order Refunded', 'Opportunity Created', 'Opportunity Won')
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
left join traffic on traffic.traffic_key = keyed.traffic_key
left join channels on channels.channel = keyed.touch_channel
left join (select distinct conversion_rules.event_type from conversion_rules) as conversion_events
    on conversion_events.event_type = keyed.event_type
