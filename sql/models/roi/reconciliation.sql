-- purpose: proof that every model adds up: what is attributed and what is not, set beside the ledger and the invoices
-- grain: one row per model, conversion type and month; type (orders) is first and repeat orders together, and also of a month with invoices and no orders
-- key: model, conversion_type, month
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   conversion_type: the type; (orders) for all orders and refunds
--   month: YYYY-MM
--   attributed: revenue credited to touches
--   unattributed: revenue of conversions without a touch in their window
--   ledger: revenue of the conversions themselves
--   difference: attributed + unattributed - ledger, which is 0
--   invoiced: what finance invoiced in the month, where the company keeps invoices.csv
with credited as (
    select
        channel_daily.model,
        channel_daily.conversion_type,
        date_format(channel_daily.day, '%Y-%m') as month,
        sum(case when channel_daily.channel <> '(unattributed)' then channel_daily.revenue else cast(0 as decimal(18, 6)) end)
            as attributed,
        sum(case when channel_daily.channel = '(unattributed)' then channel_daily.revenue else cast(0 as decimal(18, 6)) end)
            as unattributed
    from channel_daily
    group by channel_daily.model, channel_daily.conversion_type, date_format(channel_daily.day, '%Y-%m')
),

ledgers as (
    select
        attribution_models.model,
        months.conversion_type,
        months.month,
        months.ledger
    from (
        select
            conversion_facts.conversion_type,
            date_format(conversion_facts.conversion_date, '%Y-%m') as month,
            sum(conversion_facts.revenue) as ledger
        from conversion_facts
        group by conversion_facts.conversion_type, date_format(conversion_facts.conversion_date, '%Y-%m')
    ) as months
    cross join attribution_models
),

by_type as (
    select
        ledgers.model,
        ledgers.conversion_type,
        ledgers.month,
        coalesce(credited.attributed, cast(0 as decimal(18, 6))) as attributed,
        coalesce(credited.unattributed, cast(0 as decimal(18, 6))) as unattributed,
        ledgers.ledger
    from ledgers
    left join credited
        on credited.model = ledgers.model
        and credited.conversion_type = ledgers.conversion_type
        and credited.month = ledgers.month
),

with_orders as (
    select by_type.model, by_type.conversion_type, by_type.month, by_type.attributed, by_type.unattributed, by_type.ledger
    from by_type
    union all
    select
        by_type.model,
        '(orders)',
        by_type.month,
        sum(by_type.attributed),
        sum(by_type.unattributed),
        sum(by_type.ledger)
    from by_type
    where by_type.conversion_type in ('first_order', 'repeat_order')
    group by by_type.model, by_type.month
    union all
    -- What was invoiced in a month in which no order is known is the difference that somebody looks for.
    select
        attribution_models.model,
        '(orders)',
        invoices.month,
        cast(0 as decimal(18, 6)),
        cast(0 as decimal(18, 6)),
        cast(0 as decimal(18, 2))
    from invoices
    cross join attribution_models
    where invoices.month not in (
        select by_type.month
        from by_type
        where by_type.conversion_type in ('first_order', 'repeat_order')
    )
)

select
    with_orders.model,
    with_orders.conversion_type,
    with_orders.month,
    cast(with_orders.attributed as decimal(18, 2)) as attributed,
    cast(
        cast(with_orders.ledger as decimal(18, 2)) - cast(with_orders.attributed as decimal(18, 2))
        + cast(with_orders.attributed + with_orders.unattributed - with_orders.ledger as decimal(18, 2))
        as decimal(18, 2)
    ) as unattributed,
    cast(with_orders.ledger as decimal(18, 2)) as ledger,
    cast(with_orders.attributed + with_orders.unattributed - with_orders.ledger as decimal(18, 2)) as difference,
    case when with_orders.conversion_type = '(orders)' then invoices.amount end as invoiced
from with_orders
left join invoices on invoices.month = with_orders.month
