"""Other model servers around the same generator: one small file each, started by ``serving.servers``."""
