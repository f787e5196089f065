select * from read_parquet('.data/restated.parquet')
