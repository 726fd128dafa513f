"""The limit of a generator: called in a plain loop, in one process, with no service around it.

Prints samples/s per variant and batch size, in turns; the fastest is the limit. ``addressed`` draws the latents as
Fount does, each from its own seed and index: what a loop would have to do for the same samples.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from app.core.seeds import draw_latents
from serving.sampling import VARIANTS, Choice, Sampler, Variant

ADDRESSED = "addressed"
BATCH_SIZES = (1, 64, 256)


def measure_limits(
    samplers: dict[str, Callable[[int], NDArray[np.uint8]]], batch_sizes: tuple[int, ...], seconds: float
) -> dict[str, dict[str, float]]:
    """Measure functions in turns.

    Args:
        samplers: Functions that make so many samples, by name.
        batch_sizes: How many they are asked for at once.
        seconds: For each pair of a function and a size.

    Returns:
        Samples per second, by name and size.
    """
    pairs = list(itertools.product(samplers, batch_sizes))
    spent, made = dict.fromkeys(pairs, 0.0), dict.fromkeys(pairs, 0)
    for name, size in pairs:
        samplers[name](size)  # warms up
    for _ in range(2):
        for name, size in pairs:
            count, elapsed = _repeat(samplers[name], size, seconds / 2)
            made[name, size] += count
            spent[name, size] += elapsed
    return {name: {str(size): made[name, size] / spent[name, size] for size in batch_sizes} for name in samplers}


def _repeat(sample: Callable[[int], NDArray[np.uint8]], size: int, seconds: float) -> tuple[int, float]:
    made, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        sample(size)
        made += size
    return made, elapsed


def _addressed(sampler: Sampler) -> Callable[[int], NDArray[np.uint8]]:
    """Draw latents of the next indices of one seed."""
    generator, counter = sampler.generator, itertools.count()

    def sample(size: int) -> NDArray[np.uint8]:
        first = next(counter) * size
        latents = draw_latents(1, np.arange(first, first + size), generator.latent_dim, generator.latent_prior)
        return sampler.compute(torch.from_numpy(latents))

    return sample


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", default="models")
    parser.add_argument("--model", default="mnist-gan")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each variant and batch size")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    variants: dict[Variant, Sampler] = {
        variant: Sampler(Choice(arguments.repository, arguments.model, variant, arguments.threads))
        for variant in VARIANTS
    }
    functions: dict[str, Callable[[int], NDArray[np.uint8]]] = {
        variant: sampler.sample for variant, sampler in variants.items()
    }
    functions[ADDRESSED] = _addressed(variants["folded"])
    rates = measure_limits(functions, BATCH_SIZES, arguments.seconds)
    print(json.dumps({"threads": arguments.threads, "samples_per_second": rates}))


if __name__ == "__main__":
    main()
