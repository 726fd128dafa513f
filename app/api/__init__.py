"""HTTP in and out; turns requests into jobs and samples into answers."""
