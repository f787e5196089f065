select * from read_parquet('.data/payback.parquet')
