-- purpose: the periods that a reader may choose, each ending on the last whole day at the latest, and what each is compared with
-- grain: one row per period
-- key: period
-- kept: table
-- published: yes
-- columns:
--   period: last_30_days, last_90_days, last_365_days, all_time, YYYY-MM or YYYY; P:before and P:year for what P is compared with
--   from_day: its first day
--   to_day: its last day, never later than the last whole day of the data
--   previous_from_day: the first day of what it is compared with; null where there is none
--   previous_to_day: the last day of that
-- A month or year is compared with the same days of the year before; the others with as many days before them.
-- Where what a reader may compare a period with is no period of the list, it is one of its own: P:before holds as many days
-- before P (of a month that is not over, the same days of the month before), P:year the same days of the year before.
with months as (
    select distinct date_trunc('month', calendar.day) as from_day
    from calendar
),

calendar_periods as (
    select
        date_format(months.from_day, '%Y-%m') as period,
        months.from_day,
        date_add('day', -1, date_add('month', 1, months.from_day)) as to_day
    from months
    union all
    select
        date_format(date_trunc('year', months.from_day), '%Y'),
        date_trunc('year', months.from_day),
        date_add('day', -1, date_add('year', 1, date_trunc('year', months.from_day)))
    from months
    group by date_trunc('year', months.from_day)
),

clipped as (
    select
        calendar_periods.period,
        calendar_periods.from_day,
        case when calendar_periods.to_day > horizon.as_of_day then horizon.as_of_day else calendar_periods.to_day end as to_day,
        calendar_periods.to_day > horizon.as_of_day as is_cut
    from calendar_periods
    cross join horizon
),

chosen as (
    select
        clipped.period,
        clipped.from_day,
        clipped.to_day,
        date_add('year', -1, clipped.from_day) as previous_from_day,
        date_add('year', -1, clipped.to_day) as previous_to_day,
        clipped.is_cut
    from clipped
    union all
    select
        rolling.period,
        date_add('day', 1 - rolling.days, horizon.as_of_day),
        horizon.as_of_day,
        date_add('day', 1 - 2 * rolling.days, horizon.as_of_day),
        date_add('day', -rolling.days, horizon.as_of_day),
        true
    from horizon
    cross join (values ('last_30_days', 30), ('last_90_days', 90), ('last_365_days', 365)) as rolling (period, days)
    union all
    select 'all_time', horizon.first_day, horizon.as_of_day, cast(null as date), cast(null as date), false
    from horizon
),

compared as (
    select chosen.period || ':year' as period, date_add('year', -1, chosen.from_day) as from_day, date_add('year', -1, chosen.to_day) as to_day
    from chosen
    where chosen.is_cut
    union all
    select
        chosen.period || ':before',
        case when length(chosen.period) = 7 then date_add('month', -1, chosen.from_day) else chosen.previous_from_day end,
        case when length(chosen.period) = 7 then date_add('month', -1, chosen.to_day) else chosen.previous_to_day end
    from chosen
    where chosen.is_cut
        and length(chosen.period) <> 4
)

select chosen.period, chosen.from_day, chosen.to_day, chosen.previous_from_day, chosen.previous_to_day
from chosen
union all
select compared.period, compared.from_day, compared.to_day, cast(null as date), cast(null as date)
from compared
cross join horizon
where compared.from_day >= horizon.first_day
