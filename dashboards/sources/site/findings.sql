select * from read_parquet('.data/findings.parquet')
