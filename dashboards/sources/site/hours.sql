select * from read_parquet('.data/hours.parquet')
