-- purpose: what the evidence allows to say of each channel, over the models of verdict_models together, with a sentence to read
-- grain: one row per channel and period
-- key: channel, period
-- kept: table
-- published: yes
-- columns:
--   channel: the channel
--   period: as in channel_roi
--   verdict: no cost, thin, earns, loses, models disagree or unclear
--   models: how many models were asked
--   orders: credited orders under the model that credits most
--   least_model: the model with the least ROI
--   least_roi: its ROI
--   greatest_model: the model with the greatest ROI
--   greatest_roi: its ROI
--   least_low: the least lower end of the models' 90 % intervals
--   greatest_high: the greatest upper end
--   sentence_en: what the evidence allows, in English
--   sentence_it: the same in Italian
-- A model that credits no order to the channel says that its spend is lost, and has no interval: in the verdict its ROI stands for both
-- ends. Where the others give it orders, the models disagree.
with signed as (
    select
        channel_returns.model,
        attribution_models.name_en,
        attribution_models.name_it,
        channel_returns.channel,
        channel_returns.period,
        channel_returns.spend,
        channel_returns.orders,
        channel_returns.roi,
        case when channel_returns.orders <= 0 then channel_returns.roi else channel_returns.roi_low end as roi_low,
        case when channel_returns.orders <= 0 then channel_returns.roi else channel_returns.roi_high end as roi_high
    from channel_returns
    inner join verdict_models on verdict_models.model = channel_returns.model
    inner join attribution_models on attribution_models.model = channel_returns.model
),

ranked as (
    select
        signed.*,
        row_number() over (
            partition by signed.channel, signed.period order by coalesce(signed.roi, 1e18), signed.model
        ) as from_least,
        row_number() over (
            partition by signed.channel, signed.period order by coalesce(signed.roi, -1e18) desc, signed.model
        ) as from_greatest,
        row_number() over (
            partition by signed.channel, signed.period order by coalesce(signed.roi_low, 1e18), signed.model
        ) as from_lowest,
        row_number() over (
            partition by signed.channel, signed.period order by coalesce(signed.roi_high, -1e18) desc, signed.model
        ) as from_highest
    from signed
),

asked as (
    select
        ranked.channel,
        ranked.period,
        max(cast(ranked.spend as double)) as spend,
        max(ranked.orders) as orders,
        count(*) as models,
        count(ranked.roi) as known,
        count(ranked.roi_low) as intervals,
        min(ranked.roi_low) as least_low,
        max(ranked.roi_high) as greatest_high,
        min(ranked.roi) as least_roi,
        max(ranked.roi) as greatest_roi,
        max(case when ranked.from_least = 1 then ranked.model end) as least_model,
        max(case when ranked.from_greatest = 1 then ranked.model end) as greatest_model,
        max(case when ranked.from_least = 1 then ranked.name_en end) as least_en,
        max(case when ranked.from_least = 1 then ranked.name_it end) as least_it,
        max(case when ranked.from_greatest = 1 then ranked.name_en end) as greatest_en,
        max(case when ranked.from_greatest = 1 then ranked.name_it end) as greatest_it,
        max(case when ranked.from_lowest = 1 then ranked.name_en end) as lowest_en,
        max(case when ranked.from_lowest = 1 then ranked.name_it end) as lowest_it,
        max(case when ranked.from_lowest = 1 then ranked.roi_high end) as lowest_high,
        max(case when ranked.from_highest = 1 then ranked.name_en end) as highest_en,
        max(case when ranked.from_highest = 1 then ranked.name_it end) as highest_it,
        max(case when ranked.from_highest = 1 then ranked.roi_low end) as highest_low
    from ranked
    group by ranked.channel, ranked.period
),

judged as (
    select
        asked.*,
        settings.thin_conversions,
        case
            when asked.spend is null then 'no cost'
            when cast(asked.orders as double) < settings.thin_conversions then 'thin'
            when asked.intervals = asked.models and asked.least_low > 0e0 then 'earns'
            when asked.intervals = asked.models and asked.greatest_high < 0e0 then 'loses'
            when asked.least_roi < 0e0 and asked.greatest_roi > 0e0 then 'models disagree'
            else 'unclear'
        end as verdict
    from asked
    cross join settings
),

-- Whole percentages; what rounds to 0 and is not 0 is told by its side, since the sentence says on which side of 0 it lies.
in_english as (
    select
        judged.*,
        case
            when judged.least_roi > 0e0 and judged.least_roi < 0.005e0 then 'just above 0 %'
            when judged.least_roi < 0e0 and judged.least_roi > -0.005e0 then 'just below 0 %'
            else cast(cast(round(100e0 * judged.least_roi) as bigint) as varchar) || ' %'
        end as least_roi_en,
        case
            when judged.greatest_roi > 0e0 and judged.greatest_roi < 0.005e0 then 'just above 0 %'
            when judged.greatest_roi < 0e0 and judged.greatest_roi > -0.005e0 then 'just below 0 %'
            else cast(cast(round(100e0 * judged.greatest_roi) as bigint) as varchar) || ' %'
        end as greatest_roi_en,
        case
            when judged.least_low > 0e0 and judged.least_low < 0.005e0 then 'just above 0 %'
            when judged.least_low < 0e0 and judged.least_low > -0.005e0 then 'just below 0 %'
            else cast(cast(round(100e0 * judged.least_low) as bigint) as varchar) || ' %'
        end as least_low_en,
        case
            when judged.lowest_high > 0e0 and judged.lowest_high < 0.005e0 then 'just above 0 %'
            when judged.lowest_high < 0e0 and judged.lowest_high > -0.005e0 then 'just below 0 %'
            else cast(cast(round(100e0 * judged.lowest_high) as bigint) as varchar) || ' %'
        end as lowest_high_en,
        case
            when judged.highest_low > 0e0 and judged.highest_low < 0.005e0 then 'just above 0 %'
            when judged.highest_low < 0e0 and judged.highest_low > -0.005e0 then 'just below 0 %'
            else cast(cast(round(100e0 * judged.highest_low) as bigint) as varchar) || ' %'
        end as highest_low_en,
        case
            when judged.greatest_high > 0e0 and judged.greatest_high < 0.005e0 then 'just above 0 %'
            when judged.greatest_high < 0e0 and judged.greatest_high > -0.005e0 then 'just below 0 %'
            else cast(cast(round(100e0 * judged.greatest_high) as bigint) as varchar) || ' %'
        end as greatest_high_en,
        -- 29.97 of 30 are too few.
        cast(cast(floor(judged.orders) as bigint) as varchar) as orders_text,
        cast(judged.thin_conversions as varchar) as thin_text,
        cast(judged.models as varchar) as models_text
    from judged
),

worded as (
    select
        in_english.*,
        replace(replace(in_english.least_roi_en, 'just above', 'poco sopra lo'), 'just below', 'poco sotto lo') as least_roi_it,
        replace(replace(in_english.greatest_roi_en, 'just above', 'poco sopra lo'), 'just below', 'poco sotto lo') as greatest_roi_it,
        replace(replace(in_english.least_low_en, 'just above', 'poco sopra lo'), 'just below', 'poco sotto lo') as least_low_it,
        replace(replace(in_english.lowest_high_en, 'just above', 'poco sopra lo'), 'just below', 'poco sotto lo') as lowest_high_it,
        replace(replace(in_english.highest_low_en, 'just above', 'poco sopra lo'), 'just below', 'poco sotto lo') as highest_low_it,
        replace(replace(in_english.greatest_high_en, 'just above', 'poco sopra lo'), 'just below', 'poco sotto lo') as greatest_high_it
    from in_english
)

select
    worded.channel,
    worded.period,
    worded.verdict,
    worded.models,
    worded.orders,
    case when worded.known > 0 then worded.least_model end as least_model,
    worded.least_roi,
    case when worded.known > 0 then worded.greatest_model end as greatest_model,
    worded.greatest_roi,
    worded.least_low,
    worded.greatest_high,
    case
        when worded.verdict = 'no cost' then
            worded.channel || ': no cost is on record, so nothing can be said of its return.'
        when worded.verdict = 'thin' then
            worded.channel || ': too few orders to judge, ' || worded.orders_text || ' under the model that credits most; '
            || worded.thin_text || ' are needed.'
        when worded.verdict = 'earns' then
            worded.channel || ' earns: under each of the ' || worded.models_text
            || ' models the whole 90 % interval of its ROI lies above 0 (least favourable: ' || worded.lowest_en || ', '
            || worded.least_low_en || ' to ' || worded.lowest_high_en || ').'
        when worded.verdict = 'loses' then
            worded.channel || ' loses: under each of the ' || worded.models_text
            || ' models the whole 90 % interval of its ROI lies below 0 (most favourable: ' || worded.highest_en || ', '
            || worded.highest_low_en || ' to ' || worded.greatest_high_en || ').'
        when worded.verdict = 'models disagree' then
            worded.channel || ': the models disagree. Its ROI is ' || worded.least_roi_en || ' under ' || worded.least_en
            || ' and ' || worded.greatest_roi_en || ' under ' || worded.greatest_en
            || ': whether it earns depends on which touch is credited, and these data cannot settle that.'
        when worded.known < worded.models then
            worded.channel || ': the margin of a part of its orders is unknown, so its return cannot be told.'
        when worded.intervals < worded.models then
            worded.channel || ': its ROI is ' || worded.least_roi_en || ' to ' || worded.greatest_roi_en
            || ', by model; not every model has an interval, so it cannot be judged.'
        else
            worded.channel || ': not clear. Its ROI is ' || worded.least_roi_en || ' to ' || worded.greatest_roi_en
            || ', by model, but the 90 % intervals reach from ' || worded.least_low_en || ' to '
            || worded.greatest_high_en || ': it may earn or lose.'
    end as sentence_en,
    case
        when worded.verdict = 'no cost' then
            worded.channel || ': nessun costo registrato, quindi del suo rendimento non si può dire nulla.'
        when worded.verdict = 'thin' then
            worded.channel || ': troppo pochi ordini per giudicare, ' || worded.orders_text
            || ' secondo il modello che gliene attribuisce di più; ne servono ' || worded.thin_text || '.'
        when worded.verdict = 'earns' then
            worded.channel || ' guadagna: secondo ciascuno dei ' || worded.models_text
            || ' modelli l''intero intervallo al 90 % del ROI sta sopra lo 0 (il meno favorevole: ' || worded.lowest_it || ', da '
            || worded.least_low_it || ' a ' || worded.lowest_high_it || ').'
        when worded.verdict = 'loses' then
            worded.channel || ' perde: secondo ciascuno dei ' || worded.models_text
            || ' modelli l''intero intervallo al 90 % del ROI sta sotto lo 0 (il più favorevole: ' || worded.highest_it || ', da '
            || worded.highest_low_it || ' a ' || worded.greatest_high_it || ').'
        when worded.verdict = 'models disagree' then
            worded.channel || ': i modelli non concordano. Il ROI è ' || worded.least_roi_it || ' secondo il modello '
            || worded.least_it || ' e ' || worded.greatest_roi_it || ' secondo il modello ' || worded.greatest_it
            || ': se guadagni dipende da quale contatto si premia, e questi dati non lo possono decidere.'
        when worded.known < worded.models then
            worded.channel || ': il margine di una parte dei suoi ordini è ignoto, quindi il suo rendimento non si può dire.'
        when worded.intervals < worded.models then
            worded.channel || ': il ROI va da ' || worded.least_roi_it || ' a ' || worded.greatest_roi_it
            || ', secondo il modello; non tutti i modelli hanno un intervallo, quindi non si può giudicare.'
        else
            worded.channel || ': non è chiaro. Il ROI va da ' || worded.least_roi_it || ' a ' || worded.greatest_roi_it
            || ', secondo il modello, ma gli intervalli al 90 % vanno da ' || worded.least_low_it || ' a '
            || worded.greatest_high_it || ': può guadagnare o perdere.'
    end as sentence_it
from worded
