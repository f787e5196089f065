select * from read_parquet('.data/channel_devices.parquet')
