"""The torch-free front half: catalog of versions, batching, and the supervision of the worker."""
