select * from read_parquet('.data/months.parquet')
