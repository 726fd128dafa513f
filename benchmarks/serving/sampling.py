"""The generator in a plain function: what the limit calls in a loop, and what every peer serves.

It draws latents with ``torch.randn``, the cheapest way; those of Fount are a function of seed and index, and cost more.
"""

import argparse
import dataclasses
import io
import threading
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from app.core.heap import keep_freed_memory
from app.generators.base import Generator, Images, Latents, put_channels_last
from app.generators.checkpoint import load_generator
from app.generators.folding import fold_batch_norms
from app.generators.pixels import to_pixels
from app.repository.store import ModelRepository
from app.schemas.names import split_reference

Variant: TypeAlias = Literal["eager", "channels-last", "folded", "folded-bf16"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
FORWARD_SIZE = 256


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which published generator, and what is done to it at load."""

    repository: str
    model: str
    variant: Variant = "eager"
    threads: int = 1

    @classmethod
    def parse(cls, description: str | None) -> "tuple[Choice, argparse.Namespace]":
        """Read the options that the limit and every peer have."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--repository", required=True)
        parser.add_argument("--model", required=True)
        parser.add_argument("--variant", choices=VARIANTS, default="eager")
        parser.add_argument("--threads", type=int, default=1)
        parser.add_argument("--port", type=int, default=0)
        given = parser.parse_args()
        return cls(given.repository, given.model, given.variant, given.threads), given


class Sampler:
    """Makes samples; safe to call from several threads."""

    def __init__(self, choice: Choice) -> None:
        keep_freed_memory()  # the limit and the peers as Fount's worker
        torch.set_num_threads(choice.threads)
        self._local = threading.local()
        self._threads = choice.threads
        self._is_half = choice.variant == "folded-bf16"
        self._generator = _prepare(_load(choice), choice.variant)
        image = self._generator.image
        self.sample_shape = (image.height, image.width, image.channels)
        self.sample(FORWARD_SIZE)

    @property
    def generator(self) -> Generator:
        """The network, as the variant has it."""
        return self._generator

    def sample(self, num_samples: int) -> NDArray[np.uint8]:
        """Make new samples.

        Args:
            num_samples: How many; computed at most 256 at a time.

        Returns:
            Pixels, shape (num_samples, height, width, channels).
        """
        self._settle_thread()
        parts = [min(FORWARD_SIZE, num_samples - start) for start in range(0, num_samples, FORWARD_SIZE)]
        made = [self.compute(torch.randn(size, self._generator.latent_dim)) for size in parts]
        return made[0] if len(made) == 1 else np.concatenate(made)

    def compute(self, latents: Latents) -> NDArray[np.uint8]:
        """Turn float32 latents into pixels; a class is drawn for each where the generator has classes."""
        with torch.inference_mode():
            pixels: NDArray[np.uint8] = to_pixels(self._forward(latents)).numpy()
        return pixels

    def _forward(self, latents: Latents) -> Images:
        num_classes = self._generator.num_classes
        labels = torch.randint(num_classes, (len(latents),)) if num_classes else None
        images: Images = self._generator(latents.bfloat16() if self._is_half else latents, labels)
        return images

    def _settle_thread(self) -> None:
        """Set the number of compute threads, which each calling thread has its own of."""
        if not getattr(self._local, "is_settled", False):
            torch.set_num_threads(self._threads)
            self._local.is_settled = True


def write_npy(pixels: NDArray[np.uint8]) -> bytes:
    """Write pixels as an NPY file."""
    file = io.BytesIO()
    np.save(file, pixels)
    return file.getvalue()


def _load(choice: Choice) -> Generator:
    repository = ModelRepository(choice.repository)
    name, selector = split_reference(choice.model)
    manifest = repository.read_manifest(name, repository.resolve(name, selector))
    return load_generator(manifest, repository.read_weights(manifest))


def _prepare(generator: Generator, variant: Variant) -> Generator:
    if variant == "eager":
        return generator
    generator = put_channels_last(generator)
    if variant == "channels-last":
        return generator
    fold_batch_norms(generator)
    return generator.bfloat16() if variant == "folded-bf16" else generator
