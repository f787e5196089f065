select * from read_parquet('.data/company.parquet')
