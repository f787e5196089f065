-- The periods to choose from, in the order of the list, with the days that each is compared with.
-- Ends as in the model `periods`: on the last whole day at the latest. Months and years are compared with the year before.
with days as (
    select min(day) as first_day from (select min(day) as day from channel_daily union all select min(day) from spend_daily)
),

named as (
    select period, 4 as kind,
        cast(period || '-01' as date) as from_day,
        cast(last_day(cast(period || '-01' as date)) as date) as to_day
    from (select distinct period from channel_roi) where length(period) = 7
    union all
    select period, 5, cast(period || '-01-01' as date), cast(period || '-12-31' as date)
    from (select distinct period from channel_roi) where length(period) = 4
    union all
    select rolling.period, rolling.kind, cast(site.as_of as date) - (rolling.days - 1), cast(site.as_of as date)
    from site, (values ('last_30_days', 0, 30), ('last_90_days', 1, 90), ('last_365_days', 2, 365)) as rolling (period, kind, days)
    union all
    select 'all_time', 3, coalesce(days.first_day, cast(site.as_of as date)), cast(site.as_of as date) from site, days
),

clipped as (
    select named.period, named.kind, named.from_day, least(named.to_day, cast(site.as_of as date)) as to_day
    from named, site
),

compared as (
    select
        clipped.*,
        case when kind in (4, 5) then cast(from_day - interval 1 year as date) when kind < 3 then from_day - cast(to_day - from_day + 1 as integer) end as previous_from,
        case when kind in (4, 5) then cast(to_day - interval 1 year as date) when kind < 3 then from_day - 1 end as previous_to
    from clipped
)

select
    cast(row_number() over (order by kind, period desc) as double) as place,
    period,
    strftime(from_day, '%Y-%m-%d') as from_day,
    strftime(to_day, '%Y-%m-%d') as to_day,
    case when previous_from >= days.first_day then strftime(previous_from, '%Y-%m-%d') end as previous_from,
    case when previous_from >= days.first_day then strftime(previous_to, '%Y-%m-%d') end as previous_to
from compared, days
order by place
