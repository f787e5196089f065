-- purpose: each event once, up to the last whole day, with its money in the reporting currency net of VAT and shipping
-- grain: one row per source and event id
-- key: event_key
-- kept: incremental
-- form: view
-- joins: as written
-- partition: event_date month
-- state: event_date >= date '0001-01-01' /* read from */ or is_milestone
-- reads: event_once_stored (event_key varchar, identifier_set varchar, occurred_at timestamptz, event_date date)
-- published: no
-- A milestone is what orders, conversions, stages and consent are made of: a daily build reads those of all days, and of
-- all other events those of the look-back alone. An event that stands on a closed day is not taken again for an open one.
-- What is taken off has the sign of the revenue: refunds come with either sign, and their tax with the other.
with counted as (
    select
        stg_events.*,
        stg_events.received_at as first_received_at,
        stg_events.raw_object as first_raw_object,
        cast(1 as bigint) as version_no
    from stg_events
    cross join horizon
    left join event_versions on event_versions.event_key = stg_events.event_key
    where event_versions.event_key is null
        and stg_events.event_date <= horizon.as_of_day
    union all
    select event_versions.*
    from event_versions
),

priced as (
    select
        counted.*,
        coalesce(source_settings.trust, 50) + case when counted.trust = 'browser' then 1000 else 0 end as source_trust,
        case
            when counted.money_currency is null or counted.money_currency = settings.currency then 1e0
            else fx_days.rate
        end as rate,
        case when cast(counted.revenue_text as double) < 0e0 then -1e0 else 1e0 end
        * (
            case
                when source_settings.is_gross then
                    coalesce(
                        abs(cast(counted.tax_text as double)),
                        abs(cast(counted.revenue_text as double)) * (1e0 - 1e0 / (1e0 + coalesce(source_settings.vat_rate, 0e0)))
                    )
                else 0e0
            end
            + case
                when source_settings.shipping_included then
                    coalesce(abs(cast(counted.shipping_text as double)), 0e0)
                    -- Where no tax is told, shipping is gross too, and its VAT is taken off already.
                    / case
                        when source_settings.is_gross and counted.tax_text is null
                            then 1e0 + coalesce(source_settings.vat_rate, 0e0)
                        else 1e0
                    end
                else 0e0
            end
        )
            as taken_off,
        coalesce(source_settings.is_gross, false) or coalesce(source_settings.shipping_included, false) as is_adjusted
    from counted
    cross join settings
    left join source_settings on source_settings.source = counted.source
    left join fx_days on fx_days.currency = counted.money_currency and fx_days.day = counted.event_date
)

select
    priced.event_key,
    priced.source,
    priced.event_type,
    priced.trust,
    priced.source_trust,
    priced.identifier_set,
    priced.anonymous_id,
    priced.touch_channel,
    priced.traffic_key,
    priced.landing_page,
    priced.device_class,
    priced.order_id,
    case
        when priced.revenue_text is null then null
        when priced.is_adjusted or priced.rate <> 1e0 then
            cast(round((cast(priced.revenue_text as double) - priced.taken_off) * priced.rate, 2) as decimal(18, 2))
        else cast(priced.revenue_text as decimal(18, 2))
    end as revenue,
    case
        when priced.margin_text is null then null
        when priced.rate <> 1e0 then cast(round(cast(priced.margin_text as double) * priced.rate, 2) as decimal(18, 2))
        else cast(priced.margin_text as decimal(18, 2))
    end as margin,
    priced.score,
    priced.feedback_kind,
    priced.referral_id,
    priced.customer_since,
    priced.is_bot,
    priced.has_consent,
    priced.gives_consent,
    milestone_types.event_type is not null
    or priced.customer_since is not null
    or ((priced.gives_consent or not priced.has_consent) and priced.identifier_set is not null) as is_milestone,
    priced.event_date,
    priced.occurred_at,
    priced.first_received_at as received_at,
    case when priced.first_received_at < priced.occurred_at then priced.first_received_at else priced.occurred_at end
        as seen_at,
    to_unixtime(priced.occurred_at) as at_s,
    priced.first_raw_object as raw_object
from priced
left join milestone_types on milestone_types.event_type = priced.event_type
left join event_once_stored on event_once_stored.event_key = priced.event_key
where event_once_stored.event_key is null
