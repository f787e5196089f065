-- purpose: a channel's spend in a period, shared over the moments of the purchase by its touches of each month
-- grain: one row per period, channel and moment
-- key: period, channel, moment
-- kept: table
-- published: no
-- Spend knows no moment. A month with spend and no touch goes to before_lead. Cents are cut month by month,
-- on running totals, so that the moments add up to the channel's spend, whatever order the months are summed in.
with month_touches as (
    select
        date_trunc('month', touches_by_campaign.segment) as month,
        touches_by_campaign.channel,
        touches_by_campaign.moment,
        cast(sum(touches_by_campaign.touches) as double) as touches
    from touches_by_campaign
    group by date_trunc('month', touches_by_campaign.segment), touches_by_campaign.channel, touches_by_campaign.moment
),

all_touches as (
    select month_touches.month, month_touches.channel, sum(month_touches.touches) as touches
    from month_touches
    group by month_touches.month, month_touches.channel
),

spent as (
    select
        segment_periods.period,
        spend_by_campaign.channel,
        date_trunc('month', spend_by_campaign.segment) as month,
        sum(spend_by_campaign.spend) as spend
    from spend_by_campaign
    inner join segment_periods on segment_periods.segment = spend_by_campaign.segment
    group by segment_periods.period, spend_by_campaign.channel, date_trunc('month', spend_by_campaign.segment)
),

shared as (
    select
        spent.period,
        spent.channel,
        spent.month,
        spent.spend,
        three_moments.moment_no,
        three_moments.moment,
        all_touches.touches as month_touches,
        sum(coalesce(month_touches.touches, 0e0)) over (
            partition by spent.period, spent.channel, spent.month
            order by three_moments.moment_no
            rows between unbounded preceding and current row
        ) as touches_so_far,
        max(three_moments.moment_no) over (partition by spent.period, spent.channel, spent.month) as last_moment_no
    from spent
    cross join (select distinct moments.moment_no, moments.moment from moments) as three_moments
    left join all_touches on all_touches.month = spent.month and all_touches.channel = spent.channel
    left join month_touches
        on month_touches.month = spent.month
        and month_touches.channel = spent.channel
        and month_touches.moment = three_moments.moment
),

running as (
    select
        shared.*,
        case
            when shared.month_touches is null or shared.moment_no = shared.last_moment_no then
                cast(shared.spend as decimal(18, 2))
            else
                cast(
                    round(cast(shared.spend as double) * shared.touches_so_far / shared.month_touches, 2) as decimal(18, 2)
                )
        end as spend_so_far
    from shared
),

cut as (
    select
        running.period,
        running.channel,
        running.moment,
        running.spend_so_far
        - coalesce(
            lag(running.spend_so_far) over (
                partition by running.period, running.channel, running.month
                order by running.moment_no
            ),
            cast(0 as decimal(18, 2))
        ) as spend
    from running
)

select
    cut.period,
    cut.channel,
    cut.moment,
    cast(sum(cut.spend) as decimal(18, 2)) as spend
from cut
group by cut.period, cut.channel, cut.moment
