"""Sample grids: the same latents at every snapshot, one row per class, so that progress can be seen."""

import numpy as np
import torch
from numpy.typing import NDArray

from app.core.seeds import draw_latents
from app.generators.base import Generator
from app.generators.numerics import full_precision
from app.generators.pixels import to_pixels
from app.generators.sheet import count_cells, sheet_columns, sheet_labels
from app.imaging.grid import draw_sheet

BATCH = 64


def draw_preview(generator: Generator, *, seed: int) -> NDArray[np.uint8]:
    """Draw the contact sheet of a generator: one row per class, where it has classes."""
    return draw_grid(sample_grid(generator, seed=seed), generator.num_classes)


def draw_grid(images: NDArray[np.uint8], num_classes: int) -> NDArray[np.uint8]:
    """Draw the images of ``sample_grid`` as a contact sheet."""
    return draw_sheet(images, columns=sheet_columns(num_classes))


@torch.inference_mode()
def sample_grid(generator: Generator, *, seed: int) -> NDArray[np.uint8]:
    """Draw the samples 0, 1, 2, … of a seed, with the labels of ``sheet_labels``.

    Returns:
        Pixels, shape (n, height, width, channels).
    """
    labels, count = sheet_labels(generator.num_classes), count_cells(generator.num_classes)
    latents = torch.from_numpy(draw_latents(seed, np.arange(count), generator.latent_dim, generator.latent_prior))
    device = next(generator.parameters()).device
    parts = []
    with full_precision():
        for start in range(0, count, BATCH):
            classes = None if labels is None else torch.from_numpy(labels[start : start + BATCH]).to(device)
            parts.append(to_pixels(generator(latents[start : start + BATCH].to(device), classes)).cpu())
    return torch.cat(parts).numpy()
