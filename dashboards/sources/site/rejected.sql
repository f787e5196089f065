select * from read_parquet('.data/rejected.parquet')
