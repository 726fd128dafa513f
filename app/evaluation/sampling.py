"""The samples that are evaluated: the very ones that the service would give for the same seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from app.core.seeds import draw_latents
from app.evaluation.class_order import order_classes
from app.evaluation.classifier import Progress
from app.generators.base import Generator
from app.generators.pixels import to_pixels

BATCH = 256  # the largest padded size of the service


class Samples(NamedTuple):
    """Generated images and the class that each was asked for; all zeros without classes."""

    images: UInt8[np.ndarray, "n height width channels"]
    labels: Int64[np.ndarray, " n"]

    def first(self, count: int) -> "Samples":
        """Return the samples 0 to ``count`` - 1."""
        return Samples(self.images[:count], self.labels[:count])


def draw_samples(
    generator: Generator,
    num_samples: int,
    *,
    seed: int,
    shares: Sequence[int] | None = None,
    batch_size: int = BATCH,
    on_progress: Progress | None = None,
) -> Samples:
    """Draw the samples 0, 1, 2, ... of a seed, as 8-bit images.

    Args:
        generator: In evaluation mode, on any device.
        num_samples: How many.
        seed: In [0, 2**63).
        shares: Of each class, in proportion; by default sample i is of class i modulo the number of classes.
        batch_size: Samples at once; every batch is padded to it, as in the service.
        on_progress: Called with samples done and samples in all.
    """
    in_turn = np.arange(num_samples, dtype=np.int64) % max(generator.num_classes, 1)
    asked = in_turn if shares is None else order_classes(num_samples, shares)
    parts = []
    for start in range(0, num_samples, batch_size):
        parts.append(_draw_batch(generator, start, asked[start : start + batch_size], seed, batch_size))
        if on_progress:
            on_progress(min(start + batch_size, num_samples), num_samples)
    return Samples(np.concatenate(parts), asked)


@torch.inference_mode()
def _draw_batch(
    generator: Generator, first: int, labels: Int64[np.ndarray, " n"], seed: int, batch_size: int
) -> UInt8[np.ndarray, "n height width channels"]:
    device = next(iter(generator.parameters()), torch.empty(0)).device
    latents = torch.zeros(batch_size, generator.latent_dim)
    indices = np.arange(first, first + len(labels), dtype=np.int64)
    latents[: len(labels)] = torch.from_numpy(draw_latents(seed, indices, generator.latent_dim, generator.latent_prior))
    classes = None
    if generator.num_classes:
        classes = torch.zeros(batch_size, dtype=torch.int64)
        classes[: len(labels)] = torch.from_numpy(labels)
        classes = classes.to(device)
    pixels = to_pixels(generator(latents.to(device), classes)[: len(labels)])
    return pixels.cpu().numpy()
