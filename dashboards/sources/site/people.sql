select * from read_parquet('.data/people.parquet')
