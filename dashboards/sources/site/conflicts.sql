select * from read_parquet('.data/conflicts.parquet')
