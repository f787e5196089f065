select * from read_parquet('.data/sources.parquet')
