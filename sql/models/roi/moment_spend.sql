-- purpose: a channel's spend in a period, shared over the moments of the purchase by its touches of each month
-- grain: one row per period, channel and moment
-- key: period, channel, moment
-- kept: table
-- published: no
-- Spend knows no moment. A month with spend and no touch goes to before_lead. Cents are cut on running totals, so that the
-- moments add up to the channel's spend.
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
        three_moments.moment_no,
        three_moments.moment,
        sum(spent.spend) as channel_spend,
        sum(
            case
                when all_touches.touches is not null then
                    cast(spent.spend as double) * coalesce(month_touches.touches, 0e0) / all_touches.touches
                when three_moments.moment_no = 1 then cast(spent.spend as double)
                else 0e0
            end
        ) as share
    from spent
    cross join (select distinct moments.moment_no, moments.moment from moments) as three_moments
    left join all_touches on all_touches.month = spent.month and all_touches.channel = spent.channel
    left join month_touches
        on month_touches.month = spent.month
        and month_touches.channel = spent.channel
        and month_touches.moment = three_moments.moment
    group by spent.period, spent.channel, three_moments.moment_no, three_moments.moment
),

running as (
    select
        shared.*,
        case
            when shared.moment_no = max(shared.moment_no) over (partition by shared.period, shared.channel) then
                cast(shared.channel_spend as decimal(18, 2))
            else
                cast(
                    round(
                        sum(shared.share) over (
                            partition by shared.period, shared.channel
                            order by shared.moment_no
                            rows between unbounded preceding and current row
                        ),
                        2
                    ) as decimal(18, 2)
                )
        end as spend_so_far
    from shared
)

select
    running.period,
    running.channel,
    running.moment,
    cast(
        running.spend_so_far
        - coalesce(
            lag(running.spend_so_far) over (partition by running.period, running.channel order by running.moment_no),
            cast(0 as decimal(18, 2))
        ) as decimal(18, 2)
    ) as spend
from running
