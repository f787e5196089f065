select * from read_parquet('.data/repeats.parquet')
