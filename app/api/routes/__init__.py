"""One resource per file; the URL noun is the file name."""
