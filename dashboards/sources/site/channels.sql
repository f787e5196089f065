select * from read_parquet('.data/channels.parquet')
