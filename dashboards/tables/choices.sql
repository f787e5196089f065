-- The periods to choose from, in the order of the list, and by which name each is found that it may be compared with:
-- the days before it, and the same days of the year before.
with bounds as (select from_day as first_day from periods where period = 'all_time'),

listed as (
    select
        period, from_day, to_day,
        case
            when length(period) = 7 then 5 when length(period) = 4 then 4
            else array_position(['last_30_days', 'last_90_days', 'last_365_days', 'all_time'], period) - 1
        end as kind
    from periods
    where strpos(period, ':') = 0 and (length(period) not in (4, 7) or period in (select distinct period from channel_roi))
),

-- Only whole months and years are compared with whole ones; what is cut by the end of the data has periods of its own.
named as (
    select
        listed.*,
        case when listed.kind = 5 and listed.to_day = cast(last_day(listed.to_day) as date) then strftime(listed.from_day - interval 1 month, '%Y-%m')
            else listed.period || ':before' end as before_name,
        case
            when listed.kind = 5 and listed.to_day = cast(last_day(listed.to_day) as date) then strftime(listed.from_day - interval 1 year, '%Y-%m')
            when listed.kind = 4 and strftime(listed.to_day, '%m-%d') = '12-31' then strftime(listed.from_day - interval 1 year, '%Y')
            else listed.period || ':year'
        end as year_name
    from listed
)

select
    cast(row_number() over (order by kind, named.period desc) as double) as place,
    named.period,
    strftime(named.from_day, '%Y-%m-%d') as from_day,
    strftime(named.to_day, '%Y-%m-%d') as to_day,
    before.period as before_period,
    strftime(before.from_day, '%Y-%m-%d') as before_from,
    strftime(before.to_day, '%Y-%m-%d') as before_to,
    year_before.period as year_period,
    strftime(year_before.from_day, '%Y-%m-%d') as year_from,
    strftime(year_before.to_day, '%Y-%m-%d') as year_to,
    -- What it is compared with where nobody has chosen: the calendar's with the year before, the others with the days before them.
    case when kind in (4, 5) then 'year' when kind = 3 then 'none' else 'before' end as usual
from named
cross join bounds
left join periods as before on before.period = named.before_name and before.from_day >= bounds.first_day
left join periods as year_before on year_before.period = named.year_name and year_before.from_day >= bounds.first_day
order by place
