select * from read_parquet('.data/states.parquet')
