-- purpose: money of another currency has a rate of the last 7 days; without one it would be counted at nothing
-- severity: error
-- model: fx_days
select fx_days.currency, fx_days.day
from fx_days
where fx_days.rate is null
