"""Pixels to files and back, on the CPU; knows no torch and no HTTP."""
