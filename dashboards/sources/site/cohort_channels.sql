select * from read_parquet('.data/cohort_channels.parquet')
