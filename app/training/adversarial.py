"""One step of adversarial training: a discriminator update, then a generator update."""

import math

import torch
from torch import Tensor, nn

from app.generators.base import Discriminator, Generator, Images, Labels, put_channels_last
from app.training.averaging import Averager
from app.training.config import TrainingConfig
from app.training.objectives.penalties import gradient_penalty
from app.training.objectives.registry import create_objective
from app.training.randomness import create_generator
from app.training.runtime import Runtime

Losses = dict[str, Tensor]


class AdversarialTrainer:
    """Holds both networks, their optimizers and the average; everything a snapshot must keep.

    The state after a step is a function of the state before it and the step's number alone.
    """

    def __init__(
        self, config: TrainingConfig, generator: Generator, discriminator: Discriminator, runtime: Runtime
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.generator = generator
        self.discriminator = discriminator
        for network in (generator, discriminator):
            put_channels_last(network.to(runtime.device)).train()
        self.averager = Averager(self.generator, config.averaging)
        self.generator_optimizer = self._create_optimizer(generator, config.optimizer.generator_lr)
        self.discriminator_optimizer = self._create_optimizer(discriminator, config.optimizer.discriminator_lr)
        self._objective = create_objective(config.objective.name)
        self._conditional = generator.num_classes > 0

    def step(self, step: int, images: Images, labels: Labels) -> Losses:
        """Update both networks on one batch of real images; returns mean losses, still on the device."""
        device = self.runtime.device
        images = images.to(device, non_blocking=True)
        classes = labels.to(device, non_blocking=True) if self._conditional else None
        self._set_learning_rates(step)
        losses = self._update_discriminator(step, images, classes)
        losses |= self._update_generator(step, images, classes)
        seen = (step + 1) * self.config.schedule.batch_size
        self.averager.update(self.generator, images_seen=seen, batch_size=len(images))
        return losses

    def _update_discriminator(self, step: int, images: Images, classes: Labels | None) -> Losses:
        self.discriminator.requires_grad_(requires_grad=True)
        with torch.no_grad(), self.runtime.autocast():
            fake = self.generator(self._latents(step, "discriminator", len(images)), classes).float()
        both = torch.cat([images, fake])
        both_classes = None if classes is None else classes.repeat(2)
        if self._is_penalised(step):
            scores, extra, losses = self._penalise(both, both_classes)
        else:
            with self.runtime.autocast():
                scores = self.discriminator(both, both_classes).float()
            extra, losses = scores.new_zeros(()), {}
        real, fake = scores.chunk(2)
        loss = self._objective.discriminator_loss(real, fake).mean()
        _apply(self.discriminator_optimizer, loss + extra)
        return losses | {
            "discriminator_loss": loss.detach(),
            "real_score": real.detach().mean(),
            "fake_score": fake.detach().mean(),
        }

    def _is_penalised(self, step: int) -> bool:
        config = self.config.objective
        return step % config.penalty_interval == 0 and (config.r1_gamma > 0 or config.r2_gamma > 0)

    def _penalise(self, both: Images, classes: Labels | None) -> tuple[Tensor, Tensor, Losses]:
        """Score images and penalise the slopes there; in float32, where a small difference means something."""
        config = self.config.objective
        both.requires_grad_()
        scores = self.discriminator(both, classes)
        penalty = gradient_penalty(lambda images: self.discriminator(images, classes), both, scores)
        r1, r2 = (part.mean() for part in penalty.surrogate.chunk(2))
        values = [part.mean() for part in penalty.value.chunk(2)]
        extra = config.penalty_interval * (config.r1_gamma * r1 + config.r2_gamma * r2)
        return scores, extra, {"r1": values[0], "r2": values[1]}

    def _update_generator(self, step: int, images: Images, classes: Labels | None) -> Losses:
        self.discriminator.requires_grad_(requires_grad=False)
        with self.runtime.autocast():
            fake = self.generator(self._latents(step, "generator", len(images)), classes).float()
            fake_scores = self.discriminator(fake, classes).float()
            real_scores = None
            if self._objective.uses_real_scores:
                with torch.no_grad():
                    real_scores = self.discriminator(images, classes).float()
        loss = self._objective.generator_loss(real_scores, fake_scores).mean()
        _apply(self.generator_optimizer, loss)
        return {"generator_loss": loss.detach()}

    def _latents(self, step: int, purpose: str, count: int) -> Tensor:
        source = create_generator(self.config.seed, purpose, step)
        latents = torch.randn(count, self.generator.latent_dim, generator=source)
        return latents.to(self.runtime.device, non_blocking=True)

    def _create_optimizer(self, network: nn.Module, learning_rate: float) -> torch.optim.Adam:
        config = self.config.optimizer
        return torch.optim.Adam(
            network.parameters(), lr=learning_rate, betas=(config.beta1, config.beta2), eps=1e-8, fused=True
        )

    def _set_learning_rates(self, step: int) -> None:
        factor = learning_rate_factor(self.config, step)
        optimizer = self.config.optimizer
        self.generator_optimizer.param_groups[0]["lr"] = optimizer.generator_lr * factor
        self.discriminator_optimizer.param_groups[0]["lr"] = optimizer.discriminator_lr * factor


def learning_rate_factor(config: TrainingConfig, step: int) -> float:
    """Return the learning rate of a step relative to the configured one, in (0, 1]: warm-up, then half a cosine."""
    final = config.optimizer.final_factor
    progress = step / config.schedule.steps
    factor = final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))
    if config.optimizer.warmup_images:
        seen = (step + 1) * config.schedule.batch_size
        factor *= min(1.0, seen / config.optimizer.warmup_images)
    return factor


def _apply(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimizer.step()
