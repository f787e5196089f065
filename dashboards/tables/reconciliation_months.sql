-- The proof month by month: attributed and unattributed beside the ledger and what finance invoiced.
select
    model, month,
    cast(attributed as double) as attributed,
    cast(unattributed as double) as unattributed,
    cast(ledger as double) as ledger,
    cast(difference as double) as difference,
    cast(invoiced as double) as invoiced
from reconciliation
where conversion_type = '(orders)'
order by model, month desc
