"""Augmentation: policies, what was drawn from them, and what it does to pixels."""
