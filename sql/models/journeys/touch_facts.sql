-- purpose: every contact of a person with the company, with the stage in which the person stood before it
-- grain: one row per touch
-- key: touch_id
-- kept: table
-- published: no
-- In a daily build, of the look-back alone; with today's person and stage, also on closed days.
select
    touch_base.touch_id,
    touch_base.person_id,
    touch_base.occurred_at,
    touch_base.touch_date,
    touch_base.touch_type,
    touch_base.channel,
    touch_base.source,
    touch_base.medium,
    touch_base.campaign,
    touch_base.device_class,
    case
        when touch_base.at_s > person_stages.loyalty_s then 'loyalty'
        when touch_base.at_s > person_stages.retention_s then 'retention'
        when touch_base.at_s > person_stages.conversion_s then 'conversion'
        when touch_base.at_s > person_stages.acquisition_s then 'acquisition'
        else 'awareness'
    end as stage
from touch_base
inner join person_stages on person_stages.person_id = touch_base.person_id
