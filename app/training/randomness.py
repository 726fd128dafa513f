"""Random numbers of training: a pure function of (seed, purpose, number), so that a resumed run goes on exactly."""

import hashlib

import torch


def create_generator(seed: int, purpose: str, number: int) -> torch.Generator:
    """Build a fresh CPU generator for one purpose at one step or epoch; never shared, never saved."""
    key = hashlib.sha256(f"{seed}/{purpose}/{number}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(key[:8], "little", signed=True))
