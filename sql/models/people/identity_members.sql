-- purpose: the identifiers of each set, with the rank of their kind: strong ones (1) name a person first
-- grain: one row per set and identifier
-- key: set_no, identifier
-- kept: table
-- published: no
select
    set_no, user_id as identifier, 'user_id' as kind, 1 as kind_no, 1 as strength, first_seen_at, event_key
from identity_sets where user_id is not null
union all
select set_no, crm_id, 'crm_id', 2, 1, first_seen_at, event_key
from identity_sets where crm_id is not null
union all
select set_no, loyalty_card, 'loyalty_card', 3, 1, first_seen_at, event_key
from identity_sets where loyalty_card is not null
union all
select set_no, email, 'email', 4, 2, first_seen_at, event_key
from identity_sets where email is not null
union all
select set_no, phone, 'phone', 5, 2, first_seen_at, event_key
from identity_sets where phone is not null
union all
select set_no, anonymous_id, 'anonymous_id', 6, 3, first_seen_at, event_key
from identity_sets where anonymous_id is not null
