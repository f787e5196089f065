select * from read_parquet('.data/glossary.parquet')
