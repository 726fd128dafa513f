"""Hugging Face Inference, as its client uses it."""
