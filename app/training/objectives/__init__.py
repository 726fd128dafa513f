"""Adversarial losses and penalties: pure functions of scores and images, one per file."""
