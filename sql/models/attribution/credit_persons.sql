-- purpose: whether a figure of a channel stands for enough persons to be shown: the pages hide what stands for fewer than 5
-- grain: one row per model, channel and period, cut by device or by moment of the purchase, with (all) for each cut
-- key: model, channel, device_class, moment, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel, or (unattributed)
--   device_class: the touch's device, (none) where nothing is attributed, or (all)
--   moment: before_lead, before_first_order or after_first_order, (none) where nothing is attributed, or (all)
--   period: the period, as in channel_roi
--   persons: persons whose orders and refunds are credited here, counted up to 256 by the buckets of the bootstrap: never more than there are
--   lead_persons: persons whose leads are credited here, counted the same way
--   previous_persons: persons of the period that it is compared with
--   first_order_persons: persons whose first orders are credited here, counted the same way
-- A count of distinct buckets costs a fraction of a count of distinct persons, and errs only downwards: a cell of exactly 5 may be hidden.
with counted as (
    -- each model (linear)
    select
        'linear' as model, credit_person_cells.period, credit_person_cells.is_current, credit_person_cells.channel, credit_person_cells.device_class, credit_person_cells.moment,
        credit_person_cells.linear_orders as persons, credit_person_cells.linear_leads as lead_persons,
        credit_person_cells.linear_firsts as first_order_persons
    from credit_person_cells
    where credit_person_cells.linear_orders + credit_person_cells.linear_leads > 0
    -- end, joined by union all
)

select
    counted.model,
    counted.channel,
    counted.device_class,
    counted.moment,
    counted.period,
    cast(coalesce(max(case when counted.is_current then counted.persons end), 0) as bigint) as persons,
    cast(coalesce(max(case when counted.is_current then counted.lead_persons end), 0) as bigint) as lead_persons,
    cast(coalesce(max(case when not counted.is_current then counted.persons end), 0) as bigint) as previous_persons,
    cast(coalesce(max(case when counted.is_current then counted.first_order_persons end), 0) as bigint) as first_order_persons
from counted
group by counted.model, counted.channel, counted.device_class, counted.moment, counted.period
