-- Referrals by month and what they brought. Months of 1 to 4 are left out and flagged.
select
    month, referrals between 1 and 4 as is_hidden,
    case when referrals not between 1 and 4 then cast(referrals as double) end as referrals,
    case when leads not between 1 and 4 then cast(leads as double) end as leads,
    case when first_orders not between 1 and 4 then cast(first_orders as double) end as first_orders,
    case when first_orders not between 1 and 4 then cast(margin as double) end as margin
from referral_results
order by month desc
