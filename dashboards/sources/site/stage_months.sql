select * from read_parquet('.data/stage_months.parquet')
