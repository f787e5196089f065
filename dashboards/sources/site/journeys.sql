select * from read_parquet('.data/journeys.parquet')
