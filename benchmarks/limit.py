"""The limit of a generator: called in a plain loop, in one process; prints samples/s per batch size."""

import argparse
import json
import time

import numpy as np
import torch

from app.core.seeds import draw_latents
from app.generators.base import Generator, put_channels_last
from app.generators.checkpoint import load_generator
from app.generators.pixels import to_pixels
from app.repository.store import ModelRepository
from app.schemas.names import split_reference


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", default="models")
    parser.add_argument("--model", default="mnist-gan")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 16, 64, 256])
    arguments = parser.parse_args()
    repository = ModelRepository(arguments.repository)
    name, selector = split_reference(arguments.model)
    manifest = repository.read_manifest(name, repository.resolve(name, selector))
    generator = put_channels_last(load_generator(manifest, repository.read_weights(manifest)))
    seconds = arguments.seconds / len(arguments.batch_sizes)
    rates = {size: _measure(generator, size, seconds) for size in arguments.batch_sizes}
    print(json.dumps({"threads": torch.get_num_threads(), "samples_per_second": rates}))


@torch.inference_mode()
def _measure(generator: Generator, batch_size: int, seconds: float) -> float:
    """Return samples per second: draw, compute, convert to uint8 in memory."""
    labels = torch.arange(batch_size) % generator.num_classes if generator.num_classes else None
    done, start = 0, 0.0
    while done <= batch_size or time.perf_counter() - start < seconds:
        if done == batch_size:  # the first batch warms up
            start = time.perf_counter()
        latents = torch.from_numpy(draw_latents(1, np.arange(done, done + batch_size), generator.latent_dim))
        to_pixels(generator(latents, labels)).numpy()
        done += batch_size
    return (done - batch_size) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
