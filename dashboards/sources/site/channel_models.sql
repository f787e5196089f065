select * from read_parquet('.data/channel_models.parquet')
