select * from read_parquet('.data/stages.parquet')
