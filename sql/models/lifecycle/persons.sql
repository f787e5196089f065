-- purpose: each person with first contact, stage, state, orders and what they brought
-- grain: one row per person
-- key: person_id
-- kept: table
-- published: yes
-- columns:
--   person_id: the pseudonym: the keyed hash of the person's best identifier
--   first_seen_at: the first event (UTC)
--   first_channel: channel of the first touch
--   first_device: device of the first touch
--   stage: the highest stage entered
--   state: of a customer: active, at risk, lapsed or won back; null before the first order, and of an order that names nobody
--   lead_at: the first lead event (UTC)
--   first_order_at: the first order that we see (UTC)
--   orders: orders so far, in the ledger
--   revenue: their revenue less refunds
--   margin: their margin less refunds; null where a part of it is unknown
--   identifiers: how many identifiers are known to be this person's
--   is_identified: one of them is more than a browser's or an app's
-- A customer is at risk after 1.5 times the own usual gap between orders without a sign (or at_risk_days where there is no
-- gap yet), lapsed after twice that, and won back when an order ended such a lapse. Gaps are between days with orders: two
-- orders of one day say nothing of a pace.
with signs as (
    select
        person_events.person_id,
        person_events.occurred_at as first_seen_at,
        case when person_events.event_type not in ('Email Sent', 'Email Opened', 'Ad Viewed') then person_events.at_s end
            as last_sign_s
    from person_events
    cross join horizon
    where not person_events.is_bot
        and person_events.person_id is not null
        and person_events.event_date >= horizon.open_from_day
    union all
    select
        case when closed_signs.owner like 'x:%' then closed_signs.owner else set_persons.person_id end,
        closed_signs.first_seen_at,
        closed_signs.last_sign_s
    from closed_signs
    left join set_persons on set_persons.identifier_set = closed_signs.owner
),

seen as (
    select signs.person_id, min(signs.first_seen_at) as first_seen_at, max(signs.last_sign_s) as last_sign_s
    from signs
    where signs.person_id is not null
    group by signs.person_id
),

identified as (
    select
        identity_persons.person_id,
        count(*) as identifiers,
        min(identity_persons.strength) < 3 as is_identified
    from identity_persons
    where not identity_persons.is_shared
    group by identity_persons.person_id
),

order_days as (
    select
        orders.person_id,
        orders.event_date,
        count(case when orders.in_ledger then 1 end) as orders,
        min(orders.occurred_at) as first_order_at,
        min(orders.at_s) as at_s,
        max(case when orders.is_named then 1 else 0 end) as is_named,
        min(orders.at_s) - lag(min(orders.at_s)) over (partition by orders.person_id order by orders.event_date) as gap_s
    from orders
    group by orders.person_id, orders.event_date
),

bought as (
    select
        order_days.person_id,
        cast(sum(order_days.orders) as bigint) as orders,
        min(order_days.first_order_at) as first_order_at,
        max(order_days.is_named) = 1 as is_named,
        -- The mean of the gaps between the days.
        (max(order_days.at_s) - min(order_days.at_s)) / nullif(count(*) - 1, 0) as usual_gap_s,
        max_by(order_days.gap_s, order_days.event_date) filter (where order_days.gap_s is not null) as last_gap_s
    from order_days
    group by order_days.person_id
),

brought as (
    select
        person_conversions.person_id,
        sum(person_conversions.revenue) as revenue,
        case when count(person_conversions.margin) = count(*) then sum(person_conversions.margin) end as margin
    from person_conversions
    where person_conversions.conversion_type in ('first_order', 'repeat_order')
    group by person_conversions.person_id
),

patience as (
    select
        bought.*,
        coalesce(1.5e0 * bought.usual_gap_s, settings.at_risk_days * 86400e0) as patience_s,
        to_unixtime(horizon.as_of_at) as now_s,
        settings.at_risk_days * 86400e0 as at_risk_s
    from bought
    cross join settings
    cross join horizon
)

select
    seen.person_id,
    seen.first_seen_at,
    coalesce(person_stages.first_channel, '(unattributed)') as first_channel,
    coalesce(person_stages.first_device, '(none)') as first_device,
    stages.stage,
    case
        when not coalesce(patience.is_named, false) then null
        when patience.now_s - seen.last_sign_s > 2e0 * patience.patience_s then 'lapsed'
        when patience.now_s - seen.last_sign_s > patience.patience_s then 'at risk'
        when patience.last_gap_s > 2e0 * patience.at_risk_s then 'won back'
        else 'active'
    end as state,
    person_stages.lead_at,
    patience.first_order_at,
    coalesce(patience.orders, 0) as orders,
    cast(coalesce(brought.revenue, cast(0 as decimal(18, 2))) as decimal(18, 2)) as revenue,
    case
        when brought.person_id is null then cast(0 as decimal(18, 2))
        else cast(brought.margin as decimal(18, 2))
    end as margin,
    coalesce(identified.identifiers, 0) as identifiers,
    coalesce(identified.is_identified, false) as is_identified
from seen
left join identified on identified.person_id = seen.person_id
left join person_stages on person_stages.person_id = seen.person_id
left join stages on stages.stage_no = person_stages.stage_no
left join patience on patience.person_id = seen.person_id
left join brought on brought.person_id = seen.person_id
