-- purpose: for each conversion and model the credited revenue and margin are the conversion's, exactly, and nothing else is credited
-- severity: error
-- model: credit
select credited.*, conversion_facts.revenue, conversion_facts.margin
from (
    select
        credit_touches.conversion_id,
        -- each model (linear)
        sum(credit_touches.linear_conversions) as linear_conversions,
        sum(credit_touches.linear_revenue) as linear_revenue,
        sum(credit_touches.linear_margin) as linear_margin,
        -- end
        count(*) as touches
    from credit_touches
    where credit_touches.conversion_date >= date '0001-01-01' /* closed before */
    group by credit_touches.conversion_id
) as credited
left join conversion_facts on conversion_facts.conversion_id = credited.conversion_id
where conversion_facts.conversion_id is null
    -- each model (linear)
    or credited.linear_conversions <> conversion_facts.conversions
    or credited.linear_revenue <> conversion_facts.revenue
    or coalesce(credited.linear_margin, cast(0 as decimal(18, 6))) <> coalesce(conversion_facts.margin, cast(0 as decimal(18, 2)))
    -- end
