-- purpose: the campaign's name for each campaign id that costs know: a touch that carries the id alone is that campaign's
-- grain: one row per campaign id
-- key: campaign_id
-- kept: table
-- published: no
-- A text that is itself a campaign's name is that campaign, whatever ids there are. Of a renamed campaign the newest name stands.
select named.campaign_id, max_by(named.campaign, named.name_key) as campaign
from (
    select
        costs.campaign_id,
        costs.campaign,
        date_format(max(costs.cost_date), '%Y-%m-%d') || costs.campaign as name_key
    from costs
    where costs.campaign_id <> ''
        and costs.campaign <> ''
    group by costs.campaign_id, costs.campaign
) as named
where named.campaign_id not in (select costs.campaign from costs where costs.campaign is not null)
group by named.campaign_id
