-- purpose: the ledger: every conversion and refund as it was when its day was closed, or as it stands while the day is open
-- grain: one row per conversion or refund
-- key: conversion_id
-- kept: incremental
-- form: view
-- partition: conversion_date month
-- published: no
select
    person_conversions.conversion_id,
    person_conversions.origin_id,
    person_conversions.conversion_type,
    person_conversions.person_id,
    person_conversions.bucket,
    person_conversions.order_id,
    person_conversions.revenue,
    person_conversions.margin,
    person_conversions.margin_is_estimated,
    person_conversions.revenue_before,
    person_conversions.margin_before,
    person_conversions.conversions,
    person_conversions.conversion_date,
    person_conversions.occurred_at,
    person_conversions.at_s
from person_conversions
