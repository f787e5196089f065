-- purpose: the types of events that orders, conversions and stages are made of: a daily build reads them of all days
-- grain: one row per type
-- key: event_type
-- kept: table
-- published: no
select conversion_rules.event_type
from conversion_rules
union
select stage_rules.event_type
from stage_rules
union
select named.event_type
from (
    values ('Order Completed'), ('Order Refunded'), ('Opportunity Created'), ('Opportunity Won'), ('Referral Made'),
        ('Feedback Given')
) as named (event_type)
