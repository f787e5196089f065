-- The attribution models that the build has computed.
select distinct model from channel_roi order by model
