-- Whether every model adds up to the ledger of orders, and how much no touch has earned.
select
    model,
    cast(sum(attributed) as double) as attributed,
    cast(sum(unattributed) as double) as unattributed,
    cast(sum(ledger) as double) as ledger,
    cast(sum(abs(difference)) as double) as difference,
    cast(sum(invoiced) as double) as invoiced
from reconciliation
where conversion_type = '(orders)'
group by model
order by model
