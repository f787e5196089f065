-- purpose: for each conversion and model the credited revenue and margin are the conversion's, exactly, and nothing else is credited
-- severity: error
-- model: credit
select credited.conversion_id, credited.model, conversion_facts.revenue, credited.revenue as credited_revenue
from (
    select
        credit.conversion_id,
        credit.model,
        sum(credit.revenue) as revenue,
        sum(credit.margin) as margin,
        sum(credit.conversions) as conversions
    from credit
    group by credit.conversion_id, credit.model
) as credited
left join conversion_facts on conversion_facts.conversion_id = credited.conversion_id
where conversion_facts.conversion_id is null
    or credited.revenue <> conversion_facts.revenue
    or coalesce(credited.margin, cast(0 as decimal(18, 6))) <> coalesce(conversion_facts.margin, cast(0 as decimal(18, 2)))
    or credited.conversions <> conversion_facts.conversions
