select * from read_parquet('.data/surveys.parquet')
