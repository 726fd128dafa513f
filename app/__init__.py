"""Fount: synthetic image samples on demand, over HTTP."""

__version__ = "0.1.0"
