select * from read_parquet('.data/periods.parquet')
