-- purpose: how sure credited totals are: 90 % intervals from the replicates of the bootstrap over persons
-- grain: one row per model, conversion type, channel and period
-- key: model, conversion_type, channel, period
-- kept: table
-- published: no
-- A replicate in which a channel has nothing is not there: it stands for 0.
with replicates as (
    -- each rule model (linear)
    select
        'linear' as model,
        credit_replicates.conversion_type,
        credit_replicates.channel,
        credit_replicates.period,
        credit_replicates.replicate,
        credit_replicates.linear_conversions as conversions,
        credit_replicates.linear_revenue as revenue,
        credit_replicates.linear_margin as margin
    from credit_replicates
    -- end, joined by union all
),

ranked as (
    select
        replicates.*,
        row_number() over (
            partition by replicates.model, replicates.conversion_type, replicates.channel, replicates.period
            order by replicates.conversions
        ) as conversions_rank,
        row_number() over (
            partition by replicates.model, replicates.conversion_type, replicates.channel, replicates.period
            order by replicates.revenue
        ) as revenue_rank,
        row_number() over (
            partition by replicates.model, replicates.conversion_type, replicates.channel, replicates.period
            order by replicates.margin
        ) as margin_rank
    from replicates
)

select
    ranked.model,
    ranked.conversion_type,
    ranked.channel,
    ranked.period,
    max(case when ranked.conversions_rank = 10 then ranked.conversions end) as conversions_low,
    max(case when ranked.conversions_rank = 190 then ranked.conversions end) as conversions_high,
    max(case when ranked.revenue_rank = 10 then ranked.revenue end) as revenue_low,
    max(case when ranked.revenue_rank = 190 then ranked.revenue end) as revenue_high,
    max(case when ranked.margin_rank = 10 then ranked.margin end) as margin_low,
    max(case when ranked.margin_rank = 190 then ranked.margin end) as margin_high
from ranked
group by ranked.model, ranked.conversion_type, ranked.channel, ranked.period
