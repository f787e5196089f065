-- purpose: raw events with types, of the objects that no earlier build took in; the one place where instants become reporting days
-- grain: one row per copy of an event in raw
-- key: none
-- kept: arrivals
-- published: no
-- identifier_set is all identifiers of the event, the strongest first, each with its kind's letter in front and a bar
-- behind. What is asked of identifiers is asked of distinct sets, which are a fifth of the events.
-- traffic_key is all that the event declares of its traffic, for the same reason.
with typed as (
    select
        raw_events.source,
        raw_events.source || '/' || raw_events.event_id as event_key,
        raw_events.event_type,
        raw_events.trust,
        nullif(
            coalesce(raw_events.keys.user_id || '|', '') || coalesce(raw_events.keys.crm_id || '|', '')
            || coalesce(raw_events.keys.loyalty_card || '|', '') || coalesce(raw_events.keys.email || '|', '')
            || coalesce(raw_events.keys.phone || '|', '') || coalesce(raw_events.keys.anonymous_id || '|', ''),
            ''
        ) as identifier_set,
        raw_events.keys.anonymous_id as anonymous_id,
        nullif(trim(raw_events.touch.channel), '') as touch_channel,
        lower(coalesce(trim(replace(raw_events.touch.source, chr(31), ' ')), '')) || chr(31)
        || lower(coalesce(trim(replace(raw_events.touch.medium, chr(31), ' ')), '')) || chr(31)
        || coalesce(trim(replace(raw_events.touch.campaign, chr(31), ' ')), '') || chr(31)
        || coalesce(trim(replace(raw_events.touch.campaign_id, chr(31), ' ')), '') || chr(31)
        || coalesce(raw_events.touch.referrer_host, '') || chr(31)
        || coalesce(raw_events.touch.click_id_kind, '') as traffic_key,
        raw_events.touch.landing_page as landing_page,
        raw_events.device.class as device_class,
        raw_events.value.order_id as order_id,
        raw_events.value.revenue as revenue_text,
        raw_events.value.tax as tax_text,
        raw_events.value.shipping as shipping_text,
        raw_events.value.margin as margin_text,
        raw_events.value.currency as money_currency,
        raw_events.score,
        case
            when raw_events.event_type = 'Feedback Given' then
                coalesce(nullif(lower(trim(raw_events.feedback_kind)), ''), 'survey')
        end as feedback_kind,
        raw_events.referral_id,
        try_cast(substr(raw_events.customer_since, 1, 10) as date) as customer_since,
        coalesce(raw_events.is_bot, false) as is_bot,
        coalesce(raw_events.consent.analytics, true) as has_consent,
        raw_events.event_type = 'Consent Changed' and coalesce(raw_events.consent.analytics, false) as gives_consent,
        from_iso8601_timestamp(raw_events.occurred_at) as occurred_at,
        from_iso8601_timestamp(raw_events.received_at) as received_at,
        case
            when raw_events.updated_at is null then from_iso8601_timestamp(raw_events.occurred_at)
            else from_iso8601_timestamp(raw_events.updated_at)
        end as updated_at,
        raw_events.raw_object
    from raw_events
)

select
    typed.*,
    cast(typed.occurred_at at time zone 'Europe/Rome' /* time zone */ as date) as event_date
from typed
