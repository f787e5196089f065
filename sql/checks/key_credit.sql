-- purpose: the key of credit is unique and not null: a conversion and touch stand once in the table that it is a view over
-- severity: error
-- model: credit
select credit_touches.conversion_id, credit_touches.touch_id, count(*) as copies
from credit_touches
where credit_touches.conversion_date >= date '0001-01-01' /* closed before */
group by credit_touches.conversion_id, credit_touches.touch_id
having count(*) > 1 or credit_touches.conversion_id is null or credit_touches.touch_id is null
