-- What the evidence allows to say of each channel, over the models of the verdict together, in the company's language.
select
    channel_evidence.period, channel_evidence.channel, channel_evidence.verdict,
    case when site.language = 'en' then sentence_en else sentence_it end as sentence
from channel_evidence
cross join site
-- Only where every one of the models stands for 5 persons or more: a sentence names the least and the greatest of them.
inner join (
    select channel, period, min(persons) as persons from credit_persons where device_class = '(all)' and moment = '(all)' and persons > 0 group by channel, period
) as counted on counted.channel = channel_evidence.channel and counted.period = channel_evidence.period and counted.persons >= 5
where strpos(channel_evidence.period, ':') = 0 and channel_evidence.verdict <> 'no cost'
order by channel_evidence.period, channel_evidence.channel
