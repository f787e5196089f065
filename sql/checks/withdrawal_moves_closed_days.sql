-- purpose: a withdrawal of consent reaches closed days
-- severity: refresh
-- model: set_consent
select closed_sets_stored.identifier_set
from closed_sets_stored
left join set_consent on set_consent.identifier_set = closed_sets_stored.identifier_set
left join set_consent_stored on set_consent_stored.identifier_set = closed_sets_stored.identifier_set
where coalesce(set_consent.stripped_before_s, -1e18) <> coalesce(set_consent_stored.stripped_before_s, -1e18)
