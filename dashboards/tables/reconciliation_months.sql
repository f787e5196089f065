-- The proof month by month: attributed and unattributed beside the ledger and what finance invoiced.
-- A month that only the invoices know has no ledger to show: it is flagged, and whether it lies before the data.
-- What stands for fewer than 5 persons is left out and flagged; of a month with so few unattributed, what is attributed would tell it.
with buyers as (
    select strftime(conversion_date, '%Y-%m') as month, count(distinct person_id) as persons
    from conversions
    where conversion_type in ('first_order', 'repeat_order')
    group by all
),

judged as (
    select
        reconciliation.*,
        coalesce(buyers.persons, 0) = 0 as is_empty,
        reconciliation.month < (select strftime(from_day, '%Y-%m') from periods where period = 'all_time') as is_before,
        coalesce(buyers.persons, 0) between 1 and 4 as is_hidden,
        coalesce(buyers.persons, 0) between 1 and 4 or coalesce(lost.persons, 0) between 1 and 4 as hides_parts
    from reconciliation
    left join buyers on buyers.month = reconciliation.month
    left join credit_persons as lost
        on lost.model = reconciliation.model and lost.period = reconciliation.month and lost.channel = '(unattributed)' and lost.device_class = '(all)' and lost.moment = '(all)'
    where reconciliation.conversion_type = '(orders)'
)

select
    model, month, is_hidden, hides_parts, is_empty, is_before,
    case when not hides_parts and not is_empty then cast(attributed as double) end as attributed,
    case when not hides_parts and not is_empty then cast(unattributed as double) end as unattributed,
    case when not is_hidden and not is_empty then cast(ledger as double) end as ledger,
    cast(difference as double) as difference,
    cast(invoiced as double) as invoiced
from judged
order by model, month desc
