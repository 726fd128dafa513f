"""Uploaded files to pixels, in processes of their own: what a file does to its decoder stays there."""
