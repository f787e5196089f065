select * from read_parquet('.data/platforms.parquet')
