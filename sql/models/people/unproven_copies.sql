-- purpose: copies of orders that a browser alone vouches for, which link nobody
-- grain: one row per such copy
-- key: event_key
-- kept: table
-- published: no
-- A browser's key is public and order ids can be guessed, so whoever names a stranger's order would become that stranger.
-- A copy is proved where a trusted copy has the same revenue, to the cent, at most 10 minutes before or after; and where
-- no other browser says the same. Copies that agree with no trusted one do not count as another browser.
with browser_copies as (
    select
        event_once.event_key,
        event_once.order_id,
        event_once.revenue,
        event_once.at_s,
        coalesce(
            event_once.anonymous_id,
            case when event_once.identifier_set like 'u:%' then split_part(event_once.identifier_set, '|', 1) end
        ) as visitor
    from event_once
    where event_once.event_type = 'Order Completed'
        and event_once.order_id is not null
        and event_once.trust = 'browser'
        and not event_once.is_bot
),

agreeing as (
    select distinct
        browser_copies.event_key,
        browser_copies.order_id,
        browser_copies.visitor
    from browser_copies
    inner join event_once as trusted_copy
        on trusted_copy.order_id = browser_copies.order_id
        and trusted_copy.revenue = browser_copies.revenue
        and trusted_copy.at_s >= browser_copies.at_s - 600e0
        and trusted_copy.at_s <= browser_copies.at_s + 600e0
    where trusted_copy.event_type = 'Order Completed'
        and trusted_copy.trust <> 'browser'
        and not trusted_copy.is_bot
),

of_one_visitor as (
    select agreeing.order_id
    from agreeing
    group by agreeing.order_id
    having min(agreeing.visitor) = max(agreeing.visitor)
),

proved as (
    select agreeing.event_key
    from agreeing
    inner join of_one_visitor on of_one_visitor.order_id = agreeing.order_id
)

select browser_copies.event_key
from browser_copies
where browser_copies.event_key not in (select proved.event_key from proved)
