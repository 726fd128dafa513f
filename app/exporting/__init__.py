"""Datasets as files: shards in a folder or behind a URL, as the service sends them; knows nothing of HTTP."""
