-- purpose: how sure a channel's credited margin is: 90 % intervals by bootstrap over persons, for channels with spend
-- grain: one row per model, channel and period
-- key: model, channel, period
-- kept: table
-- published: no
-- Persons fall into 256 buckets; a replicate's total is a sum over the buckets that it draws (docs/definitions.md section 6).
with credited as (
    select
        credit.model,
        credit.channel,
        credit.conversion_date as day,
        coalesce(person_stages.bucket, 0) as bucket,
        sum(cast(credit.margin as double)) as margin
    from credit
    inner join conversion_facts on conversion_facts.conversion_id = credit.conversion_id
    inner join (select distinct spend_daily.channel from spend_daily where spend_daily.spend > 0) as paid
        on paid.channel = credit.channel
    left join person_stages on person_stages.person_id = conversion_facts.person_id
    where credit.conversion_type in ('first_order', 'repeat_order')
    group by credit.model, credit.channel, credit.conversion_date, coalesce(person_stages.bucket, 0)
),

bucket_sums as (
    select credited.model, credited.channel, periods.period, credited.bucket, sum(credited.margin) as margin
    from credited
    inner join periods on credited.day between periods.from_day and periods.to_day
    group by credited.model, credited.channel, periods.period, credited.bucket
),

replicated as (
    select
        parts.model,
        parts.channel,
        parts.period,
        parts.replicate,
        sum(parts.margin) as margin
    from (
        select
            bucket_sums.model,
            bucket_sums.channel,
            bucket_sums.period,
            bootstrap_draws.replicate,
            bucket_sums.margin * bootstrap_draws.times as margin
        from bucket_sums
        inner join bootstrap_draws on bootstrap_draws.bucket = bucket_sums.bucket
        union all
        -- a replicate that draws no bucket of the channel has a margin of 0, not none
        select groups_seen.model, groups_seen.channel, groups_seen.period, replicates.replicate, 0e0
        from (select distinct bucket_sums.model, bucket_sums.channel, bucket_sums.period from bucket_sums) as groups_seen
        cross join (select distinct bootstrap_draws.replicate from bootstrap_draws) as replicates
    ) as parts
    group by parts.model, parts.channel, parts.period, parts.replicate
),

ranked as (
    select
        replicated.*,
        row_number() over (
            partition by replicated.model, replicated.channel, replicated.period
            order by replicated.margin
        ) as rank_no
    from replicated
)

select
    ranked.model,
    ranked.channel,
    ranked.period,
    max(case when ranked.rank_no = cast(ceil(0.05e0 * settings.bootstrap_replicates) as bigint) then ranked.margin end)
        as margin_low,
    max(case when ranked.rank_no = cast(ceil(0.95e0 * settings.bootstrap_replicates) as bigint) then ranked.margin end)
        as margin_high
from ranked
cross join settings
group by ranked.model, ranked.channel, ranked.period
