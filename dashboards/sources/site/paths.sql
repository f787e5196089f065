select * from read_parquet('.data/paths.parquet')
