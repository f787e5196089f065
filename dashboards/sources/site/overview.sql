select * from read_parquet('.data/overview.parquet')
