select * from read_parquet('.data/channel_types.parquet')
