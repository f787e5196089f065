-- purpose: the journeys of each conversion type that ended without one, as ranges of the person's touch numbers
-- grain: one row per range; types for which it is the same share a row
-- key: person_no, last_seq, from_seq, from_s
-- kept: table
-- published: no
-- docs/definitions.md section 5. A journey is lost at a touch that lies in no window of the type and that no other such
-- touch follows within the look-back: because none comes at all within it, or because the next one lies in a window. It goes
-- back to from_s, the look-back before that touch, and not beyond from_seq, what follows the last window. All that
-- is read for it lies within two look-backs.
with openings as (
    select
        windows.conversion_type,
        person_numbers.person_no,
        windows.first_seq,
        max(windows.last_seq) as last_seq
    from windows
    inner join person_numbers on person_numbers.person_id = windows.person_id
    where windows.touches > 0
    group by windows.conversion_type, person_numbers.person_no, windows.first_seq
),

-- One row for the touches from one window's first to the next one's: which touches up to there lie in a window.
covers as (
    select
        openings.conversion_type,
        openings.person_no,
        openings.first_seq,
        max(openings.last_seq) over type_windows as covered_to,
        lead(openings.first_seq, 1, 9223372036854775807) over type_windows as next_first_seq
    from openings
    window type_windows as (partition by openings.conversion_type, openings.person_no order by openings.first_seq)
),

ends as (
    select type_bits.*, touch_steps.person_no, touch_steps.seq, touch_steps.at_s, touch_steps.touch_date
    from touch_steps
    inner join type_bits on touch_steps.at_s + type_bits.lookback_s < coalesce(touch_steps.next_s, 1e18)
    union all
    select type_bits.*, touch_steps.person_no, touch_steps.seq, touch_steps.at_s, touch_steps.touch_date
    from openings
    inner join type_bits on type_bits.conversion_type = openings.conversion_type
    inner join touch_steps
        on touch_steps.person_no = openings.person_no
        and touch_steps.seq = openings.first_seq - 1
        and touch_steps.next_s <= touch_steps.at_s + type_bits.lookback_s
),

touches_before as (
    select person_numbers.person_no, max(touch_steps.seq) as touches
    from person_numbers
    inner join touch_steps
        on touch_steps.person_no = person_numbers.person_no
        and touch_steps.at_s <= person_numbers.customer_s
    group by person_numbers.person_no
),

lost as (
    select
        ends.type_bit,
        ends.person_no,
        person_numbers.bucket,
        ends.seq as last_seq,
        greatest(
            coalesce(covers.covered_to, 0),
            case
                when ends.conversion_type in ('repeat_order', 'referral') then coalesce(touches_before.touches, 0)
                else 0
            end
        ) + 1 as from_seq,
        ends.at_s - ends.lookback_s as from_s,
        ends.touch_date as end_date
    from ends
    inner join person_numbers on person_numbers.person_no = ends.person_no
    left join touches_before on touches_before.person_no = ends.person_no
    left join covers
        on covers.person_no = ends.person_no
        and covers.conversion_type = ends.conversion_type
        and covers.first_seq <= ends.seq
        and covers.next_first_seq > ends.seq
    cross join settings
    cross join horizon
    where coalesce(covers.covered_to, 0) < ends.seq
        -- only while the person could still convert; what led to a first order that is in no ledger is not lost
        and case
            when ends.conversion_type = 'lead' then ends.at_s < coalesce(person_numbers.lead_s, 1e18)
            when ends.conversion_type = 'first_order' then
                ends.at_s + ends.lookback_s < coalesce(person_numbers.customer_s, 1e18)
            when ends.conversion_type in ('repeat_order', 'referral') then
                ends.at_s > coalesce(person_numbers.customer_s, 1e18)
            else true
        end
        and ends.touch_date <= date_add('day', -settings.open_journey_days, horizon.as_of_day)
)

select
    lost.person_no,
    lost.bucket,
    lost.from_seq,
    lost.last_seq,
    lost.from_s,
    lost.end_date,
    cast(sum(lost.type_bit) as bigint) as type_bits
from lost
group by lost.person_no, lost.bucket, lost.from_seq, lost.last_seq, lost.from_s, lost.end_date
