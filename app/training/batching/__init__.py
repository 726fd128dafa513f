"""Real images in batches: which ones at which step."""
