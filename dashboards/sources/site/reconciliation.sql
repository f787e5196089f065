select * from read_parquet('.data/reconciliation.parquet')
