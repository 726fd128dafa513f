"""Datasets: a recipe of samples in its own address; shards are computed when they are asked for, and never stored."""
