select * from read_parquet('.data/journey_devices.parquet')
