-- purpose: the factors of each fit, kept from the full refresh that made them for the days after it
-- grain: one row per model, conversion type, month of the fit, set of channels and channel; set 0 is of the whole fit
-- key: model, conversion_type, fit_month, coalition, channel_no
-- kept: refreshed
-- published: no
select
    fitted_factors.model,
    fitted_factors.conversion_type,
    fitted_factors.fit_month,
    fitted_factors.coalition,
    fitted_factors.channel_no,
    fitted_factors.factor
from fitted_factors
