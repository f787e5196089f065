select * from read_parquet('.data/journey_channels.parquet')
