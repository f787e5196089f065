-- purpose: revenue of a source that is gross comes with its tax, or the source has a VAT rate; else it stays gross
-- severity: warn
-- model: stg_events
select stg_events.event_key, stg_events.source, stg_events.revenue_text
from stg_events
inner join source_settings on source_settings.source = stg_events.source
where source_settings.is_gross
    and source_settings.vat_rate = 0e0
    and stg_events.tax_text is null
    and cast(stg_events.revenue_text as double) <> 0e0
