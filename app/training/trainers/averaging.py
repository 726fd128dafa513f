"""Exponential moving average of a network's weights."""

import copy
from typing import Generic

import torch

from app.generators.base import Network
from app.training.config import AveragingConfig


class Averager(Generic[Network]):
    """Follows a network; the average of a generator makes better images than any single step.

    Source:
        Karras et al. 2018, "Progressive growing of GANs", section 5 (exponential running average of the generator);
        the ramp of the half-life after Karras et al. 2020, "Training GANs with limited data", appendix.
    """

    def __init__(self, network: Network, config: AveragingConfig) -> None:
        self.average = copy.deepcopy(network).requires_grad_(requires_grad=False).eval()
        self._config = config

    def decay(self, images_seen: int, batch_size: int) -> float:
        """Return the weight of the old average at this moment, in [0, 1)."""
        half_life = min(float(self._config.half_life_images), images_seen * self._config.ramp)
        return float(0.5 ** (batch_size / max(half_life, 1e-8)))

    @torch.no_grad()
    def update(self, network: Network, *, images_seen: int, batch_size: int) -> None:
        """Move the average towards the network; buffers, such as batch norm statistics, are copied."""
        weight = 1.0 - self.decay(images_seen, batch_size)
        for mean, value in zip(self.average.parameters(), network.parameters(), strict=True):
            mean.lerp_(value, weight)
        for copied, buffer in zip(self.average.buffers(), network.buffers(), strict=True):
            copied.copy_(buffer)
