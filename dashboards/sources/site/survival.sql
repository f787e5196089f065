select * from read_parquet('.data/survival.parquet')
