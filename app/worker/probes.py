"""Samples that every version is asked for when it is loaded: those of its contact sheet first, then some more."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from app.core.errors import ModelUnhealthyError
from app.core.seeds import draw_latents
from app.generators.base import Generator
from app.generators.pixels import Pixels, to_pixels
from app.generators.sheet import PER_CLASS, SHEET_SEED, choose_cells, count_cells

PROBES = 64
_AT_ONCE = 16


class ProbeNumbers(NamedTuple):
    """Which samples of the sheet's seed are probes.

    Attributes:
        indices: Number of each, shape (64,).
        labels: Class of each; zeros for an unconditional model.
        num_golden: How many of them, from the first on, are cells of the contact sheet with these numbers.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    num_golden: int


def choose_probes(num_classes: int) -> ProbeNumbers:
    """Choose the probes of a model: as many cells of its sheet as there are, of each class in turn."""
    golden = choose_cells(num_classes, PROBES)
    cells = count_cells(num_classes)
    others = cells + np.arange(PROBES - len(golden))
    if not num_classes:
        return ProbeNumbers(np.concatenate([golden, others]), np.zeros(PROBES, dtype=np.int64), len(golden))
    labels = np.concatenate([golden // PER_CLASS, others % num_classes])
    return ProbeNumbers(np.concatenate([golden, others]), labels, len(golden))


@torch.inference_mode()
def draw_probes(generator: Generator) -> Pixels:
    """Compute the pixels of a generator's probes, on the CPU.

    Raises:
        ModelUnhealthyError: If a value is not finite.
    """
    device = next(generator.parameters()).device
    numbers = choose_probes(generator.num_classes)
    drawn = draw_latents(SHEET_SEED, numbers.indices, generator.latent_dim, generator.latent_prior)
    latents = torch.from_numpy(drawn).to(device)
    labels = torch.from_numpy(numbers.labels).to(device) if generator.num_classes else None
    parts = []
    for start in range(0, PROBES, _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        images = generator(latents[rows], None if labels is None else labels[rows])
        if not torch.isfinite(images.sum()):
            raise ModelUnhealthyError("the generator makes values that are not finite")
        parts.append(to_pixels(images).cpu())
    return torch.cat(parts)
