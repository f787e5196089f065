select * from read_parquet('.data/evidence.parquet')
