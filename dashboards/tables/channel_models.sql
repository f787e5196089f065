-- ROI of each channel under every model side by side, where it is known and stands for 5 persons or more, or for none: spend that brought nothing.
select channel_roi.period, channel_roi.channel, channel_roi.model, channel_roi.roi
from channel_roi
left join credit_persons
    on credit_persons.model = channel_roi.model and credit_persons.channel = channel_roi.channel and credit_persons.period = channel_roi.period
    and credit_persons.device_class = '(all)' and credit_persons.moment = '(all)'
where channel_roi.roi is not null and coalesce(credit_persons.persons, 0) not between 1 and 4 and strpos(channel_roi.period, ':') = 0
order by channel_roi.period, channel_roi.channel, channel_roi.model
