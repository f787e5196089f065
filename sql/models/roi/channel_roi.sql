-- purpose: what each channel returned on what it cost, under each model, how sure that is, and against the period before
-- grain: one row per model, channel and period
-- key: model, channel, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel; (unattributed) holds what no touch earned
--   period: last_30_days, last_90_days, last_365_days, all_time, YYYY-MM or YYYY
--   spend: media and fixed costs; null where none is on record
--   leads: credited leads
--   first_orders: credited first orders
--   orders: credited orders
--   revenue: credited revenue of orders less refunds
--   margin: credited margin of orders less refunds; null where a part of it is unknown
--   roas: revenue / spend
--   roi: (margin - spend) / spend; -1 where nothing is credited; null where spend or margin is unknown, or the period has no order on record
--   roi_low: lower end of the 90 % interval, by bootstrap over persons; null where no order is credited
--   roi_high: its upper end
--   cpl: spend / leads
--   cac: spend / first orders
--   previous_spend: spend of the period that it is compared with; null where the data do not reach back so far
--   previous_margin: margin of that period
--   previous_roi: ROI of that period
--   verdict: no cost, thin, earns, loses, models disagree or unclear, over the models of verdict_models
--   note: what the reader must know: no cost on record, no conversions, margin unknown, fewer than 30 conversions
select
    channel_returns.model,
    channel_returns.channel,
    channel_returns.period,
    channel_returns.spend,
    channel_returns.leads,
    channel_returns.first_orders,
    channel_returns.orders,
    channel_returns.revenue,
    channel_returns.margin,
    channel_returns.roas,
    channel_returns.roi,
    channel_returns.roi_low,
    channel_returns.roi_high,
    channel_returns.cpl,
    channel_returns.cac,
    channel_returns.previous_spend,
    channel_returns.previous_margin,
    channel_returns.previous_roi,
    channel_evidence.verdict,
    case
        when channel_returns.spend is null then 'no cost on record'
        when channel_returns.orders <= 0 then 'no conversions'
        when channel_returns.margin is null then 'margin unknown'
        when cast(channel_returns.orders as double) < settings.thin_conversions then 'fewer than 30 conversions'
    end as note
from channel_returns
cross join settings
left join channel_evidence
    on channel_evidence.channel = channel_returns.channel
    and channel_evidence.period = channel_returns.period
