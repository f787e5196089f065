select * from read_parquet('.data/models.parquet')
