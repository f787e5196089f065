-- apart: model
-- What returns took back, by the channel that had the credit for the order. Cells of fewer than 5 persons are left out and flagged.
select
    model, period, channel,
    persons between 1 and 4 as is_hidden,
    case when persons >= 5 then cast(refunds as double) end as refunds,
    case when persons >= 5 then cast(revenue as double) end as revenue,
    case when persons >= 5 then cast(margin as double) end as margin
from channel_refunds
order by model, period, revenue desc
