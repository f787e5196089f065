select * from read_parquet('.data/referrals.parquet')
