-- purpose: of events that came in more than once, up to the last whole day, the version that counts
-- grain: one row per source and event id that occurs more than once
-- key: event_key
-- kept: table
-- joins: as written
-- published: no
-- Of two versions the later updated one counts, then the one whose content sorts first; never the one that came first.
-- Only ids that occur twice are ranked: a window over all rows costs half as much again and four times the memory. They are looked
-- for among those whose last twelve characters occur twice: a group by whole ids keeps every one of them in memory, a gigabyte at ten
-- million events, which drove the events themselves out of it.
with alike as (
    select substr(stg_events.event_key, -12) as ending
    from stg_events
    cross join horizon
    where stg_events.event_date <= horizon.as_of_day
    group by substr(stg_events.event_key, -12)
    having count(*) > 1
),

doubled as (
    select stg_events.event_key
    from stg_events
    cross join horizon
    inner join alike on alike.ending = substr(stg_events.event_key, -12)
    where stg_events.event_date <= horizon.as_of_day
    group by stg_events.event_key
    having count(*) > 1
),

ranked as (
    select
        stg_events.*,
        min(stg_events.received_at) over (partition by stg_events.event_key) as first_received_at,
        min(stg_events.raw_object) over (partition by stg_events.event_key) as first_raw_object,
        row_number() over (
            partition by stg_events.event_key
            order by
                stg_events.updated_at desc,
                stg_events.occurred_at,
                stg_events.event_type,
                coalesce(stg_events.identifier_set, '') || '|' || coalesce(stg_events.order_id, '')
                || '|' || coalesce(stg_events.revenue_text, '') || '|' || coalesce(stg_events.margin_text, '')
                || '|' || coalesce(stg_events.money_currency, '') || '|' || coalesce(stg_events.touch_channel, '')
                || '|' || stg_events.traffic_key || '|' || coalesce(stg_events.landing_page, '')
                || '|' || coalesce(stg_events.device_class, '') || '|' || coalesce(stg_events.tax_text, '')
                || '|' || coalesce(stg_events.feedback_kind, '')
                || '|' || coalesce(stg_events.shipping_text, '') || '|' || coalesce(stg_events.referral_id, ''),
                stg_events.score,
                stg_events.customer_since,
                stg_events.is_bot,
                stg_events.has_consent,
                stg_events.gives_consent,
                stg_events.trust desc,
                stg_events.received_at,
                stg_events.raw_object
        ) as version_no
    from stg_events
    cross join horizon
    inner join doubled on doubled.event_key = stg_events.event_key
    where stg_events.event_date <= horizon.as_of_day
)

select *
from ranked
where ranked.version_no = 1
