-- purpose: the engine reckons as the models were proved to: clocks of a zone, ends of months, halves of a cent, whole numbers, nulls and texts
-- severity: error
-- model: events
-- The models run on engines of one dialect, not of one program, and an engine that is not at hand cannot be proved
-- beforehand. It is asked in each build, so that one that reckons otherwise publishes nothing. The values lie in rows, as data does.
with given as (
    select
        from_iso8601_timestamp(moments.summer) as summer,
        from_iso8601_timestamp(moments.winter) as winter,
        cast(moments.clock as timestamp(6)) as clock,
        cast(moments.month_end as date) as month_end,
        cast(moments.half_cent as decimal(18, 3)) as half_cent,
        cast(moments.half_cent as double) as half_cent_double,
        cast(moments.minus_seven as bigint) as minus_seven,
        cast(nullif(moments.word, moments.word) as bigint) as nothing,
        moments.word,
        moments.no_day
    from (
        values (
            '2026-07-01T02:30:00.250Z', '2026-01-01T04:59:59.999Z', '2026-06-30 22:30:00.250', '2026-01-31', '0.125', '-7', 'Perché|NO', '2026-02-30'
        )
    ) as moments (summer, winter, clock, month_end, half_cent, minus_seven, word, no_day)
),

kept as (
    select
        'an instant is of the day that the clocks of its zone show' as rule,
        cast(given.summer at time zone 'America/New_York' as date) = date '2026-06-30'
        and cast(given.winter at time zone 'America/New_York' as date) = date '2025-12-31' as is_kept
    from given
    union all
    select
        'an instant on the clocks of a zone is what they show, to the millisecond',
        cast(given.summer at time zone 'America/New_York' as timestamp(6)) = given.clock
    from given
    union all
    select
        'what clocks of a zone show is an instant',
        with_timezone(given.clock, 'America/New_York') = given.summer
    from given
    union all
    select
        'instants are seconds since 1970, with their fraction',
        to_unixtime(given.summer) = 1782873000.25e0
    from given
    union all
    select
        'a month after the last day of January is the last of February, and two months are between only once they are over',
        date_add('month', 1, given.month_end) = date '2026-02-28'
        and date_diff('month', given.month_end, date '2026-03-30') = 1
        and date_trunc('month', given.month_end) = date '2026-01-01'
    from given
    union all
    select
        'weeks begin on Monday',
        day_of_week(date_add('day', 1, given.month_end)) = 7
    from given
    union all
    select
        'half a cent is rounded away from nothing',
        cast(given.half_cent as decimal(18, 2)) = decimal '0.13'
        and cast(-given.half_cent as decimal(18, 2)) = decimal '-0.13'
        and round(20 * given.half_cent_double) = 3e0
    from given
    union all
    select
        'whole numbers are divided to whole numbers, towards nothing',
        given.minus_seven / 2 = -3 and mod(given.minus_seven, 2) = -1
    from given
    union all
    select
        'the greatest of something and null is null, and so is a text with null behind it',
        greatest(given.minus_seven, given.nothing) is null and given.word || cast(given.nothing as varchar) is null
    from given
    union all
    select
        'letters with accents are letters',
        lower(given.word) = 'perché|no' and length(given.word) = 9 and split_part(given.word, '|', 2) = 'NO'
    from given
    union all
    select
        'what is no day is null where that is asked for',
        try_cast(given.no_day as date) is null
    from given
)

select kept.rule
from kept
where not coalesce(kept.is_kept, false)
