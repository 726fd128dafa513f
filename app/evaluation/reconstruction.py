"""How much of an image gets lost between encoder and generator."""

import numpy as np
import torch
from jaxtyping import Float64

from app.evaluation.arrays import Classes
from app.evaluation.classifier import Pixels
from app.generators.base import Encoder, Generator
from app.generators.pixels import from_pixels, to_pixels

_BATCH = 256
_LEVELS = 255.0


@torch.inference_mode()
def reconstruction_errors(
    encoder: Encoder, generator: Generator, images: Pixels, labels: Classes
) -> Float64[np.ndarray, " n"]:
    """Measure the mean squared error of each image after it was encoded and generated again.

    The latents are the means of the posterior, the classes those of the images, and both images are of 8 bits.

    Args:
        encoder: In evaluation mode, on the device of the generator.
        generator: What it belongs to.
        images: Real ones.
        labels: Their classes; not looked at by an unconditional generator.

    Returns:
        Per image, the mean over pixels and channels with values in [0, 1]: 0 for a perfect one.
    """
    device = next(generator.parameters()).device
    errors = np.empty(len(images))
    for start in range(0, len(images), _BATCH):
        part = slice(start, start + _BATCH)
        pixels = torch.from_numpy(images[part])
        classes = torch.from_numpy(labels[part]).to(device) if generator.num_classes else None
        latents = encoder(from_pixels(pixels.to(device)), classes).mean
        difference = to_pixels(generator(latents, classes)).cpu().double().sub(pixels).div(_LEVELS)
        errors[part] = difference.square().flatten(start_dim=1).mean(dim=1).numpy()
    return errors
