-- purpose: visits: page and screen views of one person on one device without a pause, and without another declared source
-- grain: one row per session
-- key: session_id
-- kept: table
-- published: no
-- Instants are whole milliseconds, seconds are doubles: half a millisecond keeps a gap of exactly the limit within it.
-- One sort over all views; the other two only see rows that may start a session.
with views as (
    select
        person_events.person_id,
        coalesce(person_events.anonymous_id, '') as device_id,
        person_events.event_key,
        person_events.occurred_at,
        nullif(person_events.source, '(direct)') as source,
        person_events.at_s
    from person_events
    where person_events.event_type in ('Page Viewed', 'Screen Viewed')
        and not person_events.is_bot
        and person_events.person_id is not null
),

ordered as (
    select
        views.*,
        row_number() over device as view_no,
        lag(views.at_s) over device as previous_s,
        lag(views.occurred_at) over device as previous_at,
        count(*) over (partition by views.person_id, views.device_id) as all_views,
        max(views.occurred_at) over (partition by views.person_id, views.device_id) as last_at
    from views
    window device as (partition by views.person_id, views.device_id order by views.occurred_at, views.event_key)
),

candidates as (
    select
        ordered.*,
        ordered.previous_s is null or ordered.at_s - ordered.previous_s > settings.session_gap_seconds + 0.0005e0 as is_gap,
        coalesce(ordered.source, '(direct)') as known_source
    from ordered
    cross join settings
    where ordered.previous_s is null
        or ordered.at_s - ordered.previous_s > settings.session_gap_seconds + 0.0005e0
        or ordered.source is not null
),

compared as (
    select
        candidates.*,
        lag(candidates.known_source) over (
            partition by candidates.person_id, candidates.device_id
            order by candidates.view_no
        ) as source_before
    from candidates
),

starts as (
    select
        compared.event_key,
        compared.person_id,
        compared.view_no,
        compared.all_views,
        compared.last_at,
        lead(compared.view_no) over next_start as next_view_no,
        lead(compared.previous_at) over next_start as ended_at
    from compared
    where compared.is_gap or compared.known_source <> compared.source_before
    window next_start as (partition by compared.person_id, compared.device_id order by compared.view_no)
)

select
    starts.event_key as session_id,
    starts.person_id,
    first_view.owner,
    first_view.occurred_at as started_at,
    coalesce(starts.ended_at, starts.last_at) as ended_at,
    coalesce(first_view.channel, 'Direct') as channel,
    coalesce(first_view.source, '(direct)') as source,
    coalesce(first_view.medium, '(none)') as medium,
    first_view.campaign,
    first_view.device_class,
    first_view.landing_page,
    cast(coalesce(starts.next_view_no, starts.all_views + 1) - starts.view_no as bigint) as events,
    coalesce(starts.next_view_no, starts.all_views + 1) - starts.view_no = 1 as is_bounce,
    first_view.event_date as started_date
from starts
inner join person_events as first_view on first_view.event_key = starts.event_key
