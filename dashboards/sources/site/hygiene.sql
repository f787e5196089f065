select * from read_parquet('.data/hygiene.parquet')
