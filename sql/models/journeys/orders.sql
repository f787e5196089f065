-- purpose: the order ledger: each order once, whatever the number of places that told of it
-- grain: one row per order
-- key: order_key
-- kept: table
-- published: no
-- The most trusted source that names a revenue gives the values, the earliest time stands; the same copy comes first in
-- field_conflicts. What a browser alone says is no order: its key is public. An order without an order id is known by its event.
-- One before customers.historyStarts is in no ledger, it only tells who is an old customer, as does a date of the CRM before the
-- orders on record (a contract is signed before it is delivered).
-- One that does not say whose it is (not is_named) is no new customer's: a receipt without a card, an order without consent, one by
-- a shared identifier alone. A number of the receipt or call itself would not be met again, as a cookie would.
with known_persons as (
    select distinct identity_persons.person_id
    from identity_persons
    where identity_persons.strength < 3
        and not identity_persons.is_shared
),

copies as (
    select
        coalesce(person_milestones.order_id, person_milestones.event_key) as order_key,
        person_milestones.*,
        row_number() over (
            partition by coalesce(person_milestones.order_id, person_milestones.event_key)
            order by
                case when person_milestones.trust = 'browser' then 1 else 0 end,
                case when person_milestones.revenue is null then 1 else 0 end,
                person_milestones.source_trust,
                person_milestones.event_source,
                person_milestones.occurred_at,
                person_milestones.event_key
        ) as copy_no
    from person_milestones
    where person_milestones.event_type = 'Order Completed'
        and not person_milestones.is_bot
),

earliest as (
    select
        copies.order_key,
        min(copies.occurred_at) as occurred_at,
        min(copies.event_date) as event_date,
        min(copies.at_s) as at_s
    from copies
    where copies.trust <> 'browser'
    group by copies.order_key
),

numbered as (
    select
        copies.order_key,
        copies.event_key,
        copies.order_id,
        copies.person_id,
        coalesce(copies.revenue, cast(0 as decimal(18, 2))) as revenue,
        case
            when copies.margin is not null then copies.margin
            else cast(
                round(cast(coalesce(copies.revenue, cast(0 as decimal(18, 2))) as double) * settings.default_margin_rate, 2)
                as decimal(18, 2)
            )
        end as margin,
        copies.margin is null and settings.default_margin_rate is not null as margin_is_estimated,
        earliest.event_date,
        earliest.occurred_at,
        earliest.at_s,
        row_number() over person_orders as order_no,
        lag(earliest.at_s, 1) over person_orders as previous_s,
        lag(earliest.at_s, 2) over person_orders as two_before_s,
        copies.person_id not like 'x:%'
        and (
            known_persons.person_id is not null
            or max(case when copies.device_class <> 'offline' then 1 else 0 end) over (partition by copies.person_id) = 1
        ) as is_named,
        coalesce(settings.history_starts, min(earliest.event_date) over ()) as orders_from,
        settings.history_starts
    from copies
    inner join earliest on earliest.order_key = copies.order_key
    left join known_persons on known_persons.person_id = copies.person_id
    cross join settings
    where copies.copy_no = 1
        and copies.trust <> 'browser'
    window person_orders as (partition by copies.person_id order by earliest.occurred_at, copies.order_key)
)

select
    numbered.order_key,
    numbered.event_key,
    numbered.order_id,
    numbered.person_id,
    numbered.revenue,
    numbered.margin,
    numbered.margin_is_estimated,
    numbered.event_date,
    numbered.occurred_at,
    numbered.at_s,
    numbered.order_no,
    numbered.previous_s,
    numbered.two_before_s,
    numbered.is_named,
    numbered.history_starts is null or numbered.event_date >= numbered.history_starts as in_ledger,
    numbered.order_no = 1
    and numbered.is_named
    and (numbered.history_starts is null or numbered.event_date >= numbered.history_starts)
    and (customer_since.customer_since is null or customer_since.customer_since >= numbered.orders_from) as is_first
from numbered
left join customer_since on customer_since.person_id = numbered.person_id
