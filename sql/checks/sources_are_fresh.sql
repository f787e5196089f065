-- purpose: no source is silent for longer than its setting allows
-- severity: warn
-- model: source_health
select source_health.source, source_health.last_event_at
from source_health
where source_health.is_stale
