"""The child process: resident generators on one device; never speaks HTTP."""
