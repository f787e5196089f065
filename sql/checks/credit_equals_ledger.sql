-- purpose: for each conversion and model the credited revenue and margin are the conversion's, exactly
-- severity: error
-- model: credit
select conversion_facts.conversion_id, credited.model, conversion_facts.revenue, credited.revenue as credited_revenue
from conversion_facts
inner join (
    select
        credit.conversion_id,
        credit.model,
        sum(credit.revenue) as revenue,
        sum(credit.margin) as margin,
        sum(credit.conversions) as conversions
    from credit
    group by credit.conversion_id, credit.model
) as credited on credited.conversion_id = conversion_facts.conversion_id
where credited.revenue <> conversion_facts.revenue
    or coalesce(credited.margin, cast(0 as decimal(18, 6))) <> coalesce(conversion_facts.margin, cast(0 as decimal(18, 2)))
    or credited.conversions <> conversion_facts.conversions
