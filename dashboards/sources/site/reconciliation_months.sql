select * from read_parquet('.data/reconciliation_months.parquet')
