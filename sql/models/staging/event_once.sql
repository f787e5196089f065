-- purpose: each event once, up to the last whole day, with its money in the reporting currency net of VAT and shipping
-- grain: one row per source and event id
-- key: event_key
-- kept: table
-- published: no
-- Of two versions the later updated one counts, then the one whose content sorts first; never the one that came first.
-- What is taken off has the sign of the revenue: refunds come with either sign, and their tax with the other.
-- Only ids that occur twice are ranked: a window over all rows costs half as much again and four times the memory.
with within_horizon as (
    select stg_events.*
    from stg_events
    cross join horizon
    where stg_events.event_date <= horizon.as_of_day
),

doubled as (
    select
        within_horizon.event_key,
        min(within_horizon.received_at) as first_received_at,
        min(within_horizon.raw_object) as first_raw_object
    from within_horizon
    group by within_horizon.event_key
    having count(*) > 1
),

ranked as (
    select
        within_horizon.*,
        doubled.first_received_at,
        doubled.first_raw_object,
        row_number() over (
            partition by within_horizon.event_key
            order by
                within_horizon.updated_at desc,
                within_horizon.occurred_at,
                within_horizon.event_type,
                coalesce(within_horizon.user_id, '') || coalesce(within_horizon.crm_id, '')
                || coalesce(within_horizon.loyalty_card, '') || coalesce(within_horizon.email, '')
                || coalesce(within_horizon.phone, '') || coalesce(within_horizon.anonymous_id, '')
                || '|' || coalesce(within_horizon.order_id, '') || '|' || coalesce(within_horizon.revenue_text, '')
                || '|' || coalesce(within_horizon.margin_text, '') || '|' || coalesce(within_horizon.money_currency, '')
                || '|' || coalesce(within_horizon.touch_channel, '') || '|' || coalesce(within_horizon.touch_source, '')
                || '|' || coalesce(within_horizon.touch_medium, '') || '|' || coalesce(within_horizon.touch_campaign, '')
                || '|' || coalesce(within_horizon.landing_page, '') || '|' || coalesce(within_horizon.device_class, '')
                || '|' || coalesce(within_horizon.touch_campaign_id, '') || '|' || coalesce(within_horizon.referrer_host, '')
                || '|' || coalesce(within_horizon.click_id_kind, '') || '|' || coalesce(within_horizon.tax_text, '')
                || '|' || coalesce(within_horizon.shipping_text, '') || '|' || coalesce(within_horizon.referral_id, ''),
                within_horizon.score,
                within_horizon.customer_since,
                within_horizon.is_bot,
                within_horizon.has_consent,
                within_horizon.gives_consent,
                within_horizon.trust desc
        ) as copy_no
    from within_horizon
    inner join doubled on doubled.event_key = within_horizon.event_key
),

kept as (
    select
        within_horizon.*,
        within_horizon.received_at as first_received_at,
        within_horizon.raw_object as first_raw_object,
        cast(1 as bigint) as copy_no
    from within_horizon
    where within_horizon.event_key not in (select doubled.event_key from doubled)
    union all
    select ranked.*
    from ranked
    where ranked.copy_no = 1
),

priced as (
    select
        kept.*,
        coalesce(source_settings.trust, 50) + case when kept.trust = 'browser' then 1000 else 0 end as source_trust,
        case
            when kept.money_currency is null or kept.money_currency = settings.currency then 1e0
            else fx_days.rate
        end as rate,
        case when cast(kept.revenue_text as double) < 0e0 then -1e0 else 1e0 end
        * (
            case
                when source_settings.is_gross then
                    coalesce(
                        abs(cast(kept.tax_text as double)),
                        abs(cast(kept.revenue_text as double)) * (1e0 - 1e0 / (1e0 + coalesce(source_settings.vat_rate, 0e0)))
                    )
                else 0e0
            end
            + case
                when source_settings.shipping_included then coalesce(abs(cast(kept.shipping_text as double)), 0e0)
                else 0e0
            end
        )
            as taken_off,
        coalesce(source_settings.is_gross, false) or coalesce(source_settings.shipping_included, false) as is_adjusted
    from kept
    cross join settings
    left join source_settings on source_settings.source = kept.source
    left join fx_days on fx_days.currency = kept.money_currency and fx_days.day = kept.event_date
)

select
    priced.event_key,
    priced.source,
    priced.event_id,
    priced.event_type,
    priced.trust,
    priced.source_trust,
    priced.user_id,
    priced.crm_id,
    priced.loyalty_card,
    priced.email,
    priced.phone,
    priced.anonymous_id,
    priced.touch_channel,
    priced.touch_source,
    priced.touch_medium,
    priced.touch_campaign,
    priced.touch_campaign_id,
    priced.referrer_host,
    priced.click_id_kind,
    coalesce(priced.touch_source, '') || chr(31) || coalesce(priced.touch_medium, '') || chr(31)
    || coalesce(priced.touch_campaign, '') || chr(31) || coalesce(priced.touch_campaign_id, '') || chr(31)
    || coalesce(priced.referrer_host, '') || chr(31) || coalesce(priced.click_id_kind, '') as traffic_key,
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
    priced.referral_id,
    priced.customer_since,
    priced.is_bot,
    priced.has_consent,
    priced.gives_consent,
    priced.event_date,
    priced.occurred_at,
    priced.first_received_at as received_at,
    case when priced.first_received_at < priced.occurred_at then priced.first_received_at else priced.occurred_at end
        as seen_at,
    to_unixtime(priced.occurred_at) as at_s,
    priced.first_raw_object as raw_object
from priced
