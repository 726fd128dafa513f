"""Whether bfloat16 would be faster on this machine: for people to read, never to choose by."""

import copy
import statistics
import time

import torch

from app.generators.base import Generator, SampleSpace, put_channels_last
from app.generators.lowering import Bfloat16Generator
from app.generators.registry import find_architecture
from app.repository.manifest import ImageSpec

_IMAGE = ImageSpec(height=28, width=28, channels=1)
_BATCH = 64
_ROUNDS = 5


def time_bfloat16(device: torch.device) -> float:
    """Compute with the default architecture in both precisions, in turns; takes about a fifth of a second.

    Returns:
        How many times as fast bfloat16 is as float32; the median over the rounds.
    """
    family = find_architecture("resnet_gan")
    space = SampleSpace(_IMAGE, latent_dim=64, num_classes=0)
    plain: Generator = put_channels_last(family.generator(family.parse({}), space).eval().to(device))
    lowered = Bfloat16Generator(copy.deepcopy(plain))
    latents = torch.zeros(_BATCH, space.latent_dim, device=device)
    for generator in (plain, lowered):  # first calls choose kernels
        _time(generator, latents)
    return statistics.median(_time(plain, latents) / _time(lowered, latents) for _ in range(_ROUNDS))


@torch.inference_mode()
def _time(generator: Generator, latents: torch.Tensor) -> float:
    start = time.perf_counter()
    generator(latents, None).sum().item()  # which waits for a GPU
    return time.perf_counter() - start
