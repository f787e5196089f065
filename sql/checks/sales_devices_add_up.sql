-- purpose: the devices of a period add up to all, and what is sold in a month is the ledger's, to the cent
-- severity: error
-- model: sales_devices
with both_sides as (
    select
        sales_devices.period,
        case when sales_devices.device_class = '(all)' then 1 else -1 end * sales_devices.orders as orders,
        case when sales_devices.device_class = '(all)' then 1 else -1 end * sales_devices.revenue as revenue,
        case when sales_devices.device_class = '(all)' then sales_devices.revenue else cast(0 as decimal(18, 2)) end as sold
    from sales_devices
),

added as (
    select both_sides.period, sum(both_sides.orders) as orders, sum(both_sides.revenue) as revenue, sum(both_sides.sold) as sold
    from both_sides
    group by both_sides.period
),

ledgers as (
    select reconciliation.month, max(reconciliation.ledger) as ledger
    from reconciliation
    where reconciliation.model = 'last_non_direct'
        and reconciliation.conversion_type = '(orders)'
    group by reconciliation.month
)

select added.period, added.orders as orders_off, added.revenue as revenue_off, added.sold, ledgers.ledger
from added
left join ledgers on ledgers.month = added.period
where added.orders <> 0
    or added.revenue <> 0
    or (ledgers.ledger is not null and ledgers.ledger <> added.sold)
