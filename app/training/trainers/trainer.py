"""What the loop and snapshots need of a trainer, whatever it trains."""

import abc
import math
from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn

from app.data.dataset import ImageDataset
from app.generators.base import Encoder, Generator, Images, Labels, Network, put_channels_last
from app.generators.checkpoint import GENERATOR
from app.repository.manifest import Part
from app.training.compute.lanes import Lanes
from app.training.compute.runtime import Runtime
from app.training.config import OptimizerConfig, TrainingConfig
from app.training.randomness import create_generator
from app.training.trainers.averaging import Averager
from app.training.trainers.latents import sample_prior

Losses: TypeAlias = dict[str, Tensor]


class Trainer(abc.ABC):
    """Holds networks, optimizers and averages: everything a snapshot must keep.

    The state after a step is a function of the state before it, the step's number and its progress alone. With several
    lanes, each holds the same state and sees its share of every batch; gradients are averaged, so that all together
    take the step that one would take with the whole batch.
    """

    def __init__(self, config: TrainingConfig, generator: Generator, runtime: Runtime, lanes: Lanes) -> None:
        self.config = config
        self.runtime = runtime
        self.lanes = lanes
        self.generator = self._place(generator)
        self.averager = Averager(generator, config.averaging)
        self._conditional = generator.num_classes > 0

    @abc.abstractmethod
    def step(self, step: int, progress: float, images: Images, labels: Labels) -> Losses:
        """Update all networks.

        Args:
            step: Number of the step, from 0.
            progress: Part of the run that is over, in [0, 1]; schedules follow it.
            images: Real images of this lane.
            labels: Their classes.

        Returns:
            Mean losses, still on the device.
        """

    @abc.abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """Return all networks by the name of their part, for snapshots."""

    @abc.abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return all optimizers by name, for snapshots."""

    def state(self) -> dict[str, Tensor]:
        """Return what else a snapshot must keep: the state of controllers."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027 - most have none
        """Put controllers back to what ``state`` returned."""

    def published_parts(self) -> Mapping[Part, nn.Module]:
        """Return the networks that are published, by part."""
        return {GENERATOR: self.averager.average}

    def published_encoder(self) -> Encoder | None:
        """Return the encoder that is published beside the generator; None where the family has none."""
        return None

    def finish(self, dataset: ImageDataset) -> None:  # noqa: B027 - most are complete
        """Complete the generator after the last step; most have nothing to do."""

    def _place(self, network: Network) -> Network:
        """Move a network to the device, ready to be trained."""
        return put_channels_last(network.to(self.runtime.device)).train()

    def _draw_latents(self, step: int, purpose: str, count: int) -> Tensor:
        """Draw this lane's share of the latents of a step; the same numbers for any number of lanes."""
        source = create_generator(self.config.seed, purpose, step)
        prior, latent_dim = self.config.model.latent_prior, self.generator.latent_dim
        latents = self.lanes.share(sample_prior(prior, count * self.lanes.count, latent_dim, source))
        return latents.to(self.runtime.device, non_blocking=True)

    def _apply(self, network: nn.Module, optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
        """Take a step along gradients that are already there, after averaging them over lanes and clipping."""
        self.lanes.average_gradients(network)
        if self.config.optimizer.max_grad_norm:
            nn.utils.clip_grad_norm_(network.parameters(), self.config.optimizer.max_grad_norm)
        optimizer.param_groups[0]["lr"] = learning_rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def create_adam(network: nn.Module, config: OptimizerConfig) -> torch.optim.Adam:
    """Build the optimizer of a network; its learning rate is set at each step."""
    betas = (config.beta1, config.beta2)
    return torch.optim.Adam(network.parameters(), lr=1.0, betas=betas, eps=1e-8, fused=True)


def learning_rate_factor(config: TrainingConfig, step: int, progress: float) -> float:
    """Return the learning rate of a step relative to the configured one, in (0, 1]: warm-up, then half a cosine."""
    final = config.optimizer.final_factor
    factor = final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))
    if config.optimizer.warmup_images:
        seen = (step + 1) * config.images_per_step
        factor *= min(1.0, seen / config.optimizer.warmup_images)
    return factor
