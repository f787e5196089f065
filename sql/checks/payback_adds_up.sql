-- purpose: the spend of all cohorts is all spend, and their customers are all first orders; so for each month and channel
-- severity: error
-- model: payback
with told as (
    select payback.cohort_month, payback.channel, coalesce(payback.spend, cast(0 as decimal(18, 2))) as spend, payback.customers
    from payback
    union all
    select date_format(spend_daily.day, '%Y-%m'), spend_daily.channel, -spend_daily.spend, cast(0 as bigint)
    from spend_daily
    union all
    select '(all)', '(all)', -spend_daily.spend, cast(0 as bigint)
    from spend_daily
    union all
    select date_format(person_conversions.conversion_date, '%Y-%m'), '(all)', cast(0 as decimal(18, 2)), -cast(1 as bigint)
    from person_conversions
    where person_conversions.conversion_type = 'first_order'
        and person_conversions.conversions > 0
    union all
    select '(all)', '(all)', cast(0 as decimal(18, 2)), -cast(1 as bigint)
    from person_conversions
    where person_conversions.conversion_type = 'first_order'
        and person_conversions.conversions > 0
)

select told.cohort_month, told.channel, sum(told.spend) as spend, sum(told.customers) as customers
from told
group by told.cohort_month, told.channel
-- The ledgers above have a row of spend for each month and channel and for all, of customers for each month and for all.
having (sum(told.spend) <> 0 and (told.cohort_month = '(all)') = (told.channel = '(all)'))
    or (sum(told.customers) <> 0 and told.channel = '(all)')
