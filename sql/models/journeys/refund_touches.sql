-- purpose: how many touches a refund's credit is taken back from; its order's path may lie on closed days, where none is made anew
-- grain: one row per refund, of open days in a daily build, with a touch
-- key: conversion_id
-- kept: table
-- published: no
select credit_touches.conversion_id, count(*) as touches
from credit_touches
where credit_touches.conversion_id like 'refund/%'
    and credit_touches.place > 0
    and credit_touches.conversion_date >= date '0001-01-01' /* closed before */
group by credit_touches.conversion_id
