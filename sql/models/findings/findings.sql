-- purpose: what a reader should know first, in sentences: what, how much, against what, how sure
-- grain: one row per finding
-- key: finding_id
-- kept: table
-- published: yes
-- columns:
--   finding_id: topic, period and subject
--   period: the period, as in channel_roi; (now) for what holds whatever the period
--   topic: change, loss, doubt, verdict, leak, unattributed, stale, or quiet where nothing of weight is to be said
--   subject: the channel, stage or source that it is about
--   measure: what value is: margin, roi, share_advanced_30d, revenue_share or days_silent
--   value: the measure in the period
--   previous_value: the same in the period that it is compared with; null where there is none
--   low: lower end of the 90 % interval; of the change where the topic is change
--   high: its upper end
--   importance: by which findings are ordered: the share of all margin at stake, weighted by topic
--   page: the page that proves it
--   text_en: the sentences, in English
--   text_it: the sentences, in Italian
-- Sentences come from sql/seeds/finding_texts.csv; topics, weights and the least stake from finding_topics.csv.
-- Figures are those of the default model; a channel that stands for fewer than 5 persons is in none.
with periods_seen as (
    select distinct channel_roi.period
    from channel_roi
    where strpos(channel_roi.period, ':') = 0
),

quiet as (
    select
        'quiet/' || periods.period as finding_id,
        periods.period,
        case when periods.previous_from_day >= horizon.first_day then 'quiet' else 'quiet_alone' end as part_1,
        periods.from_day,
        periods.to_day
    from periods
    inner join periods_seen on periods_seen.period = periods.period
    cross join horizon
    left join (
        select distinct finding_facts.period
        from finding_facts
        where finding_facts.kind in ('change_sure', 'loss', 'verdict')
    ) as loud on loud.period = periods.period
    where loud.period is null
),

stated as (
    select
        finding_facts.finding_id, finding_facts.period, finding_facts.topic, finding_facts.subject, finding_facts.measure,
        finding_facts.value, finding_facts.previous_value, finding_facts.low, finding_facts.high, finding_facts.importance,
        finding_facts.page, finding_facts.from_day, finding_facts.to_day, finding_facts.on_day, finding_facts.days,
        finding_facts.word_before, finding_facts.word_now,
        finding_facts.part_1, finding_facts.part_2, finding_facts.part_3, finding_facts.part_4
    from finding_facts
    union all
    select
        quiet.finding_id, quiet.period, finding_topics.topic, cast(null as varchar), cast(null as varchar),
        cast(null as double), cast(null as double), cast(null as double), cast(null as double), finding_topics.weight,
        finding_topics.page, quiet.from_day, quiet.to_day, cast(null as date), cast(null as bigint),
        cast(null as varchar), cast(null as varchar),
        quiet.part_1, cast(null as varchar), cast(null as varchar), cast(null as varchar)
    from quiet
    inner join finding_topics on finding_topics.kind = 'quiet'
),

-- Every number once, to be written in each language.
numbers as (
    select finding_facts.finding_id, slots.slot, slots.unit,
        case slots.slot
            when 'a' then finding_facts.money_a
            when 'b' then finding_facts.money_b
            when 'c' then finding_facts.money_c
            when 'd' then finding_facts.money_d
            when 'e' then finding_facts.money_e
            when 'f' then finding_facts.money_f
            when 'g' then finding_facts.money_g
            when 'h' then finding_facts.money_h
            when 'l' then finding_facts.money_l
            when 'm' then finding_facts.count_m
            when 'n' then finding_facts.count_n
            when 'p' then finding_facts.share_p
            when 'q' then finding_facts.share_q
            when 'r' then finding_facts.share_r
            else finding_facts.share_s
        end as number
    from finding_facts
    cross join (
        values
            ('a', 'money'), ('b', 'money'), ('c', 'money'), ('d', 'money'), ('e', 'money'), ('f', 'money'), ('g', 'money'), ('h', 'money'),
            ('l', 'money'), ('m', 'count'), ('n', 'count'), ('p', 'share'), ('q', 'share'), ('r', 'share'), ('s', 'share')
    ) as slots (slot, unit)
),

-- Money has cents below a thousand, shares one decimal: as on the pages.
rounded as (
    select
        numbers.*,
        numbers.number < 0e0 as is_negative,
        case
            when numbers.unit = 'count' or (numbers.unit = 'money' and abs(numbers.number) >= 1000e0) then 0
            when numbers.unit = 'money' then 2
            else 1
        end as decimals,
        cast(
            round(
                abs(numbers.number) * case
                    when numbers.unit = 'count' or (numbers.unit = 'money' and abs(numbers.number) >= 1000e0) then 1e0
                    when numbers.unit = 'money' then 100e0
                    else 1000e0
                end
            ) as bigint
        ) as digits
    from numbers
    where numbers.number is not null
),

split as (
    select
        rounded.*,
        -- Less than that is what sums of doubles leave of nothing.
        rounded.digits = 0 and abs(rounded.number) > 1e-9 as is_beside_0,
        case rounded.decimals when 0 then rounded.digits when 1 then rounded.digits / 10 else rounded.digits / 100 end as whole,
        case rounded.decimals when 0 then 0 when 1 then mod(rounded.digits, 10) else mod(rounded.digits, 100) end as fraction
    from rounded
),

languages as (
    select
        marks.language, marks.decimal_mark, marks.group_mark, marks.above, marks.below, marks.article,
        coalesce(currency_signs.sign, settings.currency || ' ') as sign
    from settings
    cross join (
        values
            ('en', '.', ',', 'just above ', 'just below ', ''),
            ('it', ',', '.', 'poco sopra ', 'poco sotto ', 'lo ')
    ) as marks (language, decimal_mark, group_mark, above, below, article)
    left join currency_signs on currency_signs.currency = settings.currency
),

figures as (
    select
        split.finding_id,
        split.slot,
        split.unit,
        -- What rounds to 0 and is not 0 is told by its side: a sentence may say that an interval leaves 0 out.
        case
            when split.is_beside_0 then
                case when split.is_negative then languages.below else languages.above end
                || case when split.unit = 'share' then languages.article else '' end
            when split.digits > 0 and split.is_negative then '-'
            else ''
        end as side,
        languages.language,
        trim(languages.sign) as sign,
        languages.sign as sign_before,
        case
            when split.whole < 1000 then cast(split.whole as varchar)
            when split.whole < 1000000 then
                cast(split.whole / 1000 as varchar) || languages.group_mark || lpad(cast(mod(split.whole, 1000) as varchar), 3, '0')
            when split.whole < 1000000000 then
                cast(split.whole / 1000000 as varchar)
                || languages.group_mark || lpad(cast(mod(split.whole / 1000, 1000) as varchar), 3, '0')
                || languages.group_mark || lpad(cast(mod(split.whole, 1000) as varchar), 3, '0')
            else
                cast(split.whole / 1000000000 as varchar)
                || languages.group_mark || lpad(cast(mod(split.whole / 1000000, 1000) as varchar), 3, '0')
                || languages.group_mark || lpad(cast(mod(split.whole / 1000, 1000) as varchar), 3, '0')
                || languages.group_mark || lpad(cast(mod(split.whole, 1000) as varchar), 3, '0')
        end
        || case
            when split.decimals = 0 or split.is_beside_0 then ''
            else languages.decimal_mark || lpad(cast(split.fraction as varchar), split.decimals, '0')
        end as amount
    from split
    cross join languages
),

written as (
    select
        figures.finding_id,
        figures.language,
        figures.slot,
        figures.side
        || case
            when figures.unit = 'count' then figures.amount
            when figures.unit = 'share' then figures.amount || '%'
            when figures.language = 'en' then figures.sign_before || figures.amount
            else figures.amount || ' ' || figures.sign
        end as words
    from figures
),

in_slots as (
    select
        written.finding_id,
        written.language,
        max(case when written.slot = 'a' then written.words end) as a,
        max(case when written.slot = 'b' then written.words end) as b,
        max(case when written.slot = 'c' then written.words end) as c,
        max(case when written.slot = 'd' then written.words end) as d,
        max(case when written.slot = 'e' then written.words end) as e,
        max(case when written.slot = 'f' then written.words end) as f,
        max(case when written.slot = 'g' then written.words end) as g,
        max(case when written.slot = 'h' then written.words end) as h,
        max(case when written.slot = 'l' then written.words end) as l,
        max(case when written.slot = 'm' then written.words end) as m,
        max(case when written.slot = 'n' then written.words end) as n,
        max(case when written.slot = 'p' then written.words end) as p,
        max(case when written.slot = 'q' then written.words end) as q,
        max(case when written.slot = 'r' then written.words end) as r,
        max(case when written.slot = 's' then written.words end) as s
    from written
    group by written.finding_id, written.language
),

days_told as (
    select
        days_used.day,
        date_format(days_used.day, '%e') || ' ' || month_names.en || ' ' || date_format(days_used.day, '%Y') as en,
        date_format(days_used.day, '%e') || ' ' || month_names.it || ' ' || date_format(days_used.day, '%Y') as it
    from (
        select stated.from_day as day from stated where stated.from_day is not null
        union
        select stated.to_day from stated where stated.to_day is not null
        union
        select stated.on_day from stated where stated.on_day is not null
    ) as days_used
    inner join month_names on month_names.month_no = extract(month from days_used.day)
),

parts as (
    select stated.finding_id, finding_texts.language, placed.place, finding_texts.text
    from stated
    cross join (values (1), (2), (3), (4)) as placed (place)
    inner join finding_texts
        on finding_texts.variant = case placed.place
            when 1 then stated.part_1
            when 2 then stated.part_2
            when 3 then stated.part_3
            else stated.part_4
        end
),

templates as (
    select parts.finding_id, parts.language, array_join(array_agg(parts.text order by parts.place), ' ') as text
    from parts
    group by parts.finding_id, parts.language
),

-- Numbers first, names last: a name from outside may itself look like a place to fill.
with_numbers as (
    select
        templates.finding_id,
        templates.language,
        replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            templates.text,
            '{a}', coalesce(in_slots.a, '')), '{b}', coalesce(in_slots.b, '')), '{c}', coalesce(in_slots.c, '')),
            '{d}', coalesce(in_slots.d, '')), '{e}', coalesce(in_slots.e, '')), '{f}', coalesce(in_slots.f, '')),
            '{g}', coalesce(in_slots.g, '')), '{h}', coalesce(in_slots.h, '')), '{l}', coalesce(in_slots.l, '')),
            '{m}', coalesce(in_slots.m, '')), '{n}', coalesce(in_slots.n, '')), '{p}', coalesce(in_slots.p, '')),
            '{q}', coalesce(in_slots.q, '')), '{r}', coalesce(in_slots.r, '')), '{s}', coalesce(in_slots.s, '')
        ) as text
    from templates
    left join in_slots
        on in_slots.finding_id = templates.finding_id
        and in_slots.language = templates.language
),

-- What stands for each word in each language.
fillings as (
    select
        stated.finding_id,
        languages.language,
        case when languages.language = 'en' then 'from ' || first_days.en || ' to ' || last_days.en else
            case when extract(day from stated.from_day) in (8, 11) then 'dall’' else 'dal ' end || first_days.it
            || case when extract(day from stated.to_day) in (8, 11) then ' all’' else ' al ' end || last_days.it
        end
            as span,
        case when languages.language = 'en' then told_days.en else told_days.it end as day,
        cast(stated.days as varchar) as days,
        case when languages.language = 'en' then words_before.en else words_before.it end as before,
        case when languages.language = 'en' then words_now.en else words_now.it end as now,
        case when languages.language = 'en' then coalesce(stages.stage_en, stated.subject) else coalesce(stages.stage_it, stated.subject) end as subject
    from stated
    cross join languages
    left join days_told as first_days on first_days.day = stated.from_day
    left join days_told as last_days on last_days.day = stated.to_day
    left join days_told as told_days on told_days.day = stated.on_day
    left join verdict_words as words_before on words_before.verdict = stated.word_before
    left join verdict_words as words_now on words_now.verdict = stated.word_now
    left join stages
        on stages.stage = stated.subject
        and stated.topic = 'leak'
),

sentences as (
    select
        with_numbers.finding_id,
        with_numbers.language,
        replace(replace(replace(replace(replace(replace(
            with_numbers.text,
            '{span}', coalesce(fillings.span, '')), '{day}', coalesce(fillings.day, '')), '{days}', coalesce(fillings.days, '')),
            '{before}', coalesce(fillings.before, '')), '{now}', coalesce(fillings.now, '')), '{subject}', coalesce(fillings.subject, '')
        ) as text
    from with_numbers
    inner join fillings
        on fillings.finding_id = with_numbers.finding_id
        and fillings.language = with_numbers.language
)

select
    stated.finding_id,
    stated.period,
    stated.topic,
    stated.subject,
    stated.measure,
    stated.value,
    stated.previous_value,
    stated.low,
    stated.high,
    stated.importance,
    stated.page,
    max(case when sentences.language = 'en' then sentences.text end) as text_en,
    max(case when sentences.language = 'it' then sentences.text end) as text_it
from stated
inner join sentences on sentences.finding_id = stated.finding_id
group by
    stated.finding_id, stated.period, stated.topic, stated.subject, stated.measure, stated.value, stated.previous_value, stated.low,
    stated.high, stated.importance, stated.page
