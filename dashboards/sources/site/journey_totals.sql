select * from read_parquet('.data/journey_totals.parquet')
