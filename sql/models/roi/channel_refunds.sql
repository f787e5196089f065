-- purpose: what returns cost by channel: refunds, attributed exactly as the orders that they undo
-- grain: one row per model, channel and period with a refund
-- key: model, channel, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel that had the credit for the order, (unattributed), or (all) of them together
--   period: the period of the refund, as in channel_roi
--   refunds: refunds, each shared out by its order's weights
--   revenue: revenue taken back, as a positive amount
--   margin: margin taken back, as a positive amount; null where a part of it is unknown
--   persons: how many persons they are of, counted up to 256: never more than there are
with taken_back as (
    select
        credit.model,
        credit.channel,
        credit.conversion_date as day,
        coalesce(person_stages.bucket, 256) as bucket,
        sum(credit.weight) as refunds,
        sum(-credit.revenue) as revenue,
        sum(-credit.margin) as margin,
        count(*) - count(credit.margin) as unknown_margins
    from conversion_facts
    inner join credit on credit.conversion_id = conversion_facts.conversion_id
    left join person_stages on person_stages.person_id = conversion_facts.person_id
    where conversion_facts.conversions = 0
    group by credit.model, credit.channel, credit.conversion_date, coalesce(person_stages.bucket, 256)
)

select
    taken_back.model,
    taken_back.channel,
    periods.period,
    sum(taken_back.refunds) as refunds,
    cast(sum(taken_back.revenue) as decimal(18, 2)) as revenue,
    case when sum(taken_back.unknown_margins) = 0 then cast(sum(taken_back.margin) as decimal(18, 2)) end as margin,
    count(distinct taken_back.bucket) as persons
from taken_back
inner join periods on taken_back.day between periods.from_day and periods.to_day
group by taken_back.model, taken_back.channel, periods.period
union all
select
    taken_back.model,
    '(all)',
    periods.period,
    sum(taken_back.refunds),
    cast(sum(taken_back.revenue) as decimal(18, 2)),
    case when sum(taken_back.unknown_margins) = 0 then cast(sum(taken_back.margin) as decimal(18, 2)) end,
    count(distinct taken_back.bucket)
from taken_back
inner join periods on taken_back.day between periods.from_day and periods.to_day
group by taken_back.model, periods.period
