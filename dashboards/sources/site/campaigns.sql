select * from read_parquet('.data/campaigns.parquet')
