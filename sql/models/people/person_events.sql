-- purpose: each event with its person and its declared traffic: what every later model reads
-- grain: one row per event
-- key: event_key
-- kept: table
-- published: no
-- One with shared identifiers alone is a person of its own, and so is a conversion without any (or stripped of them by a
-- withdrawal of consent); other events without identifiers are counted and belong to nobody.
-- owner tells whose a row of a sum over closed days is: its set of identifiers, whose person may change, or a person of
-- its own, who stays.
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
),

owned as (
    select
        keyed.*,
        case
            when keyed.identifier_set is not null and not keyed.is_stripped and keyed.set_person_id is not null
                then keyed.identifier_set
            when (keyed.identifier_set is not null and not keyed.is_stripped)
                or keyed.event_type in ('Order Completed', 'Order Refunded', 'Opportunity Created', 'Opportunity Won')
                or conversion_events.event_type is not null then
                'x:' || lower(substr(to_hex(sha256(to_utf8(keyed.event_key))), 1, 24))
        end as owner
    from keyed
    left join (select distinct conversion_rules.event_type from conversion_rules) as conversion_events
        on conversion_events.event_type = keyed.event_type
)

select
    owned.event_key,
    owned.source as event_source,
    owned.event_type,
    owned.owner,
    case when owned.owner like 'x:%' then owned.owner when owned.owner is not null then owned.set_person_id end as person_id,
    case when not owned.is_stripped then owned.anonymous_id end as anonymous_id,
    owned.trust,
    owned.source_trust,
    traffic.source,
    traffic.medium,
    traffic.campaign,
    coalesce(traffic.listed_channel, owned.touch_channel, traffic.channel) as channel,
    coalesce(owned.device_class, case when channels.is_offline then 'offline' else 'other' end) as device_class,
    owned.landing_page,
    owned.order_id,
    case when not owned.is_stripped then owned.referral_id end as referral_id,
    owned.revenue,
    owned.margin,
    owned.score,
    owned.feedback_kind,
    owned.is_bot,
    owned.has_consent and not owned.is_stripped as has_consent,
    case when not owned.is_stripped then owned.customer_since end as customer_since,
    owned.event_date,
    owned.occurred_at,
    owned.received_at,
    owned.at_s,
    owned.raw_object
from owned
left join traffic on traffic.traffic_key = owned.traffic_key
left join channels on channels.channel = owned.touch_channel
