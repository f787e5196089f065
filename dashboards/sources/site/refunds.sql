select * from read_parquet('.data/refunds.parquet')
