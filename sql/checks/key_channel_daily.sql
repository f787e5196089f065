-- purpose: the key of channel_daily is unique and not null: so is that of the table that it is a view over
-- severity: error
-- model: channel_daily
select
    channel_days.day,
    channel_days.conversion_type,
    channel_days.channel,
    channel_days.device_class,
    channel_days.stage,
    count(*) as copies
from channel_days
where channel_days.day >= date '0001-01-01' /* closed before */
group by
    channel_days.day, channel_days.conversion_type, channel_days.channel, channel_days.device_class, channel_days.stage
having count(*) > 1
    or channel_days.day is null
    or channel_days.conversion_type is null
    or channel_days.channel is null
    or channel_days.device_class is null
    or channel_days.stage is null
