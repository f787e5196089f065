-- purpose: what winning a customer cost, when it came back, and what a customer has brought and is expected to bring
-- grain: one row per cohort month and channel, with (all) for each
-- key: cohort_month, channel
-- kept: table
-- published: yes
-- columns:
--   cohort_month: YYYY-MM of the first order, or (all)
--   channel: channel that won the customer, under last_non_direct, or (all)
--   customers: customers won
--   cac: spend of the month / customers; null where no cost is on record or nobody was won
--   payback_month: whole months after the cohort's until its margin per customer so far reaches the CAC, 0 in its own; null where it has not, or over (all) months
--   observed_ltv: margin per customer up to the last whole day, less refunds; null where a part of it is unknown
--   expected_ltv: observed_ltv and the margin per customer expected in the next 12 months; null where value_fit has no fit
--   ltv_cac: observed_ltv / cac
--   is_complete: the month is over; of (all), the last one
--   spend: media and fixed costs of the month; null where none is on record
--   expected_ltv_cac: expected_ltv / cac
--   note: what the reader must know: no cost on record, no customers, margin unknown, no forecast
with cuts as (
    select distinct date_format(date_trunc('month', calendar.day), '%Y-%m') as month_shown, date_trunc('month', calendar.day) as month
    from calendar
    union all
    select distinct '(all)', date_trunc('month', calendar.day)
    from calendar
),

customers as (
    select
        customer_cohorts.cohort_month as month,
        customer_cohorts.channel,
        count(*) as customers,
        case when count(customer_value.observed_margin) = count(*) then sum(customer_value.observed_margin) end as observed_margin,
        case when count(customer_value.expected_value_12m) = count(*) then sum(customer_value.expected_value_12m) end as expected_margin
    from customer_cohorts
    inner join customer_value on customer_value.person_id = customer_cohorts.person_id
    group by customer_cohorts.cohort_month, customer_cohorts.channel
),

spent as (
    select date_trunc('month', spend_daily.day) as month, spend_daily.channel, sum(spend_daily.spend) as spend
    from spend_daily
    group by date_trunc('month', spend_daily.day), spend_daily.channel
),

parts as (
    select
        customers.month,
        customers.channel,
        customers.customers,
        customers.observed_margin,
        customers.expected_margin,
        cast(0 as decimal(18, 2)) as spend
    from customers
    union all
    select
        spent.month,
        spent.channel,
        cast(0 as bigint),
        cast(0 as decimal(18, 2)),
        cast(0 as decimal(18, 2)),
        spent.spend
    from spent
),

summed as (
    select
        cuts.month_shown as cohort_month,
        channels_shown.channel,
        cast(sum(parts.customers) as bigint) as customers,
        case when count(parts.observed_margin) = count(*) then cast(sum(parts.observed_margin) as double) end as observed_margin,
        case when count(parts.expected_margin) = count(*) then cast(sum(parts.expected_margin) as double) end as expected_margin,
        nullif(cast(sum(parts.spend) as decimal(18, 2)), cast(0 as decimal(18, 2))) as spend,
        date_add('day', -1, date_add('month', 1, max(parts.month))) as last_day
    from parts
    inner join cuts on cuts.month = parts.month
    inner join (
        select distinct parts.channel, parts.channel as part_channel
        from parts
        union all
        select distinct '(all)', parts.channel
        from parts
    ) as channels_shown on channels_shown.part_channel = parts.channel
    group by cuts.month_shown, channels_shown.channel
),

figures as (
    select
        summed.*,
        cast(summed.spend as double) / nullif(summed.customers, 0) as cac,
        summed.observed_margin / nullif(summed.customers, 0) as observed_ltv,
        (summed.observed_margin + summed.expected_margin) / nullif(summed.customers, 0) as expected_ltv,
        summed.last_day <= horizon.as_of_day as is_complete
    from summed
    cross join horizon
),

monthly as (
    select
        cohort_retention.cohort_month,
        channels_shown.channel,
        cohort_retention.period,
        sum(cohort_retention.size) as size,
        case when count(cohort_retention.margin) = count(*) then sum(cohort_retention.margin) end as margin
    from cohort_retention
    inner join (
        select distinct cohort_retention.channel, cohort_retention.channel as part_channel
        from cohort_retention
        union all
        select distinct '(all)', cohort_retention.channel
        from cohort_retention
    ) as channels_shown on channels_shown.part_channel = cohort_retention.channel
    where cohort_retention.is_complete
    group by cohort_retention.cohort_month, channels_shown.channel, cohort_retention.period
),

so_far as (
    select
        monthly.cohort_month,
        monthly.channel,
        monthly.period,
        case
            when count(monthly.margin) over up_to = count(*) over up_to then
                cast(sum(monthly.margin) over up_to as double) / monthly.size
        end as margin_per_customer
    from monthly
    window up_to as (
        partition by monthly.cohort_month, monthly.channel
        order by monthly.period
        rows between unbounded preceding and current row
    )
),

paid_back as (
    select figures.cohort_month, figures.channel, min(so_far.period) as payback_month
    from figures
    inner join so_far
        on so_far.cohort_month = figures.cohort_month
        and so_far.channel = figures.channel
        and so_far.margin_per_customer >= figures.cac
    group by figures.cohort_month, figures.channel
)

select
    figures.cohort_month,
    figures.channel,
    figures.customers,
    figures.cac,
    paid_back.payback_month,
    figures.observed_ltv,
    figures.expected_ltv,
    figures.observed_ltv / figures.cac as ltv_cac,
    figures.is_complete,
    figures.spend,
    figures.expected_ltv / figures.cac as expected_ltv_cac,
    case
        when figures.customers = 0 then 'no customers'
        when figures.spend is null then 'no cost on record'
        when figures.observed_ltv is null then 'margin unknown'
        when figures.expected_ltv is null then 'no forecast'
    end as note
from figures
left join paid_back on paid_back.cohort_month = figures.cohort_month and paid_back.channel = figures.channel
