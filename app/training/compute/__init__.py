"""Where training computes: device, precision, and processes that share the work."""
