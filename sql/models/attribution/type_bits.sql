-- purpose: a bit for each conversion type, so that a journey that is lost to several types is kept and counted once
-- grain: one row per conversion type
-- key: conversion_type
-- kept: table
-- published: no
select
    conversion_types.conversion_type,
    -- to half a millisecond, as in windows
    conversion_types.lookback_days * 86400e0 + 0.0005e0 as lookback_s,
    cast(round(power(2e0, row_number() over (order by conversion_types.conversion_type) - 1)) as bigint) as type_bit
from conversion_types
