-- purpose: what each data-driven model was fitted to: its factors, and the totals that other tools print
-- grain: one row per model, conversion type, channel and month of the fit
-- key: model, conversion_type, channel, fit_month
-- kept: refreshed
-- published: yes
-- columns:
--   model: the data-driven model
--   conversion_type: the type of conversion
--   channel: the channel, or `(other)` for the least frequent ones beyond 59
--   fit_month: first day of the month whose conversions it spreads; fitted on the journeys that ended in the twelve months up to its end
--   removal_effect: Markov: the share of conversions that is lost without the channel; null for Shapley
--   revenue_removal_effect: Markov: the share of revenue that is lost without the channel; null for Shapley
--   zeroed_share: Shapley: the share of the conversions along the channel on which its value was negative, and counted as 0; null
--     for Markov
--   factor: the channel's share of textbook_conversions
--   textbook_conversions: all conversions of the fit, shared by factor; not the credit, which goes path by path
--   textbook_revenue: all revenue of the fit, shared by the effect on revenue
--   fitted_on_journeys: journeys, converting or not, that it was fitted on
select
    fitted_factors.model,
    fitted_factors.conversion_type,
    numbers.channel,
    fitted_factors.fit_month,
    fitted_factors.removal_effect,
    fitted_factors.revenue_effect as revenue_removal_effect,
    fitted_factors.zeroed_share,
    fitted_factors.factor,
    fitted_factors.factor * fitted_factors.conversions as textbook_conversions,
    fitted_factors.revenue_factor * fitted_factors.revenue as textbook_revenue,
    fitted_factors.journeys as fitted_on_journeys
from fitted_factors
inner join (
    select distinct channel_numbers.channel_no, channel_numbers.numbered_as as channel
    from channel_numbers
) as numbers on numbers.channel_no = fitted_factors.channel_no
where fitted_factors.coalition = 0
