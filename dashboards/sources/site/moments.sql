select * from read_parquet('.data/moments.parquet')
