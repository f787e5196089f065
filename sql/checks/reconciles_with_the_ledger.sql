-- purpose: attributed + unattributed = the ledger, for each model, type and month
-- severity: error
-- model: reconciliation
select reconciliation.model, reconciliation.conversion_type, reconciliation.month, reconciliation.difference
from reconciliation
where reconciliation.difference <> 0
