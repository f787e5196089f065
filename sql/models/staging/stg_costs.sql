-- purpose: raw costs with types, of the newest set of each source, account and day: an import replaces, it never adds
-- grain: one row per cost row of a set that stands
-- key: none
-- kept: table
-- published: no
with typed as (
    select
        raw_costs.source,
        raw_costs.account,
        raw_costs.campaign_id,
        raw_costs.campaign,
        raw_costs.ad_group,
        nullif(trim(raw_costs.channel), '') as channel,
        raw_costs.currency,
        cast(raw_costs.spend as decimal(18, 6)) as billed_spend,
        cast(coalesce(nullif(raw_costs.platform_value, ''), '0') as decimal(18, 6)) as billed_platform_value,
        raw_costs.impressions,
        raw_costs.clicks,
        raw_costs.platform_conversions,
        raw_costs.import_id,
        cast(raw_costs.cost_date as date) as cost_date,
        from_iso8601_timestamp(raw_costs.received_at) as received_at
    from raw_costs
),

cost_sets as (
    select
        typed.source,
        typed.account,
        typed.cost_date,
        typed.import_id,
        row_number() over (
            partition by typed.source, typed.account, typed.cost_date
            order by max(typed.received_at) desc, typed.import_id desc
        ) as set_no
    from typed
    group by typed.source, typed.account, typed.cost_date, typed.import_id
)

select typed.*
from typed
inner join cost_sets
    on cost_sets.source = typed.source
    and cost_sets.account = typed.account
    and cost_sets.cost_date = typed.cost_date
    and cost_sets.import_id = typed.import_id
where cost_sets.set_no = 1
