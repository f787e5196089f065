-- What holds for every page.
select
    site.name, site.currency, site.language, site.time_zone, site.as_of, site.built_at, site.default_model, site.default_period,
    (select count(*) from touches) > 0 or (select count(*) from conversions) > 0 as has_events,
    (select count(*) from conversions where conversion_type in ('first_order', 'repeat_order')) > 0 as has_orders,
    (select count(*) from spend_daily) > 0 as has_costs,
    (select count(*) from stage_entries where stage <> 'awareness') > 0 as has_stages,
    (select count(*) from check_results where failing_rows > 0 and severity = 'warn') as warnings
from site
