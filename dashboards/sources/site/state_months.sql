select * from read_parquet('.data/state_months.parquet')
