select * from read_parquet('.data/choices.parquet')
