"""One step of adversarial training: a generator against a discriminator."""

import dataclasses
import functools
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from app.generators.base import Discriminator, Generator, Images, Labels, Scores
from app.training.compute.lanes import Lanes
from app.training.compute.runtime import Runtime
from app.training.config import TrainingConfig
from app.training.objectives.penalties import one_centred_penalty, zero_centred_penalty
from app.training.objectives.registry import create_objective
from app.training.randomness import create_generator
from app.training.trainers.augmentation import Augmentation
from app.training.trainers.gamma import GammaController
from app.training.trainers.trainer import Losses, Trainer, create_adam, learning_rate_factor


@dataclasses.dataclass(frozen=True)
class _Moment:
    """When a step happens."""

    step: int
    progress: float


@dataclasses.dataclass(frozen=True)
class _Scored:
    """A pass of real and generated images through the discriminator."""

    real: Scores
    fake: Scores
    penalty: Tensor
    losses: Losses
    slope: Float[Tensor, "pairs channels height width"] | None
    """Of the scores at all images, where a penalty computed it."""


class AdversarialTrainer(Trainer):
    """Updates both networks, from one shared pass or in turns.

    Source:
        Goodfellow et al. 2014, algorithm 1 (in turns); Shen et al. 2021, "Training generative adversarial networks in
        one stage", section 3.2 (one pass): the slopes of both losses at a generated image differ by a factor only, so
        the discriminator's backward pass serves the generator as well.
    """

    def __init__(
        self,
        config: TrainingConfig,
        generator: Generator,
        discriminator: Discriminator,
        runtime: Runtime,
        lanes: Lanes | None = None,
    ) -> None:
        super().__init__(config, generator, runtime, lanes or Lanes())
        self.discriminator = self._place(discriminator)
        self._generator_optimizer = create_adam(generator, config.optimizer)
        self._discriminator_optimizer = create_adam(discriminator, config.optimizer)
        self._objective = create_objective(config.objective.name)
        self._gamma = GammaController(config.objective)
        self._augmentation = Augmentation(
            config.augmentation, seed=config.seed, is_paired=self._objective.uses_real_scores, lanes=self.lanes
        )
        shares = self._objective.shares_pass and config.objective.critic_steps == 1
        self._is_simultaneous = shares and config.objective.update == "simultaneous"

    def networks(self) -> dict[str, nn.Module]:
        """See ``Trainer.networks``."""
        return {
            "generator": self.generator,
            "average": self.averager.average,
            "discriminator": self.discriminator,
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """See ``Trainer.optimizers``."""
        return {
            "generator_optimizer": self._generator_optimizer,
            "discriminator_optimizer": self._discriminator_optimizer,
        }

    def state(self) -> dict[str, Tensor]:
        """See ``Trainer.state``."""
        return {"gamma": self._gamma.state()} | self._augmentation.state()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """See ``Trainer.load_state``."""
        self._gamma.load_state(state["gamma"])
        self._augmentation.load_state(dict(state))

    def step(self, step: int, progress: float, images: Images, labels: Labels) -> Losses:
        """See ``Trainer.step``; ``images`` has one batch per critic step."""
        device = self.runtime.device
        images = images.to(device, non_blocking=True)
        classes = labels.to(device, non_blocking=True) if self._conditional else None
        moment = _Moment(step, progress)
        if self._is_simultaneous:
            losses = self._update_both(moment, images, classes)
        else:
            losses = self._update_in_turns(moment, images, classes)
        seen = (step + 1) * self.config.images_per_step
        self.averager.update(self.generator, images_seen=seen, batch_size=self.config.images_per_step)
        if self._gamma.is_steered:
            self._gamma.observe(self.lanes.average(float(losses["discriminator_loss"])))
        return losses

    def _update_both(self, moment: _Moment, images: Images, classes: Labels | None) -> Losses:
        with self.runtime.autocast():
            fake = self.generator(self._draw_latents(moment.step, "generator", len(images)), classes).float()
        fake = self._augmentation.apply(fake, step=moment.step, purpose="fake")
        real = self._augmentation.apply(images, step=moment.step, purpose="real")
        pairs = torch.cat([real, fake.detach()]).requires_grad_()
        scored = self._score(moment, pairs, None if classes is None else classes.repeat(2))
        loss = self._objective.discriminator_loss(scored.real, scored.fake).mean()
        towards_real, against_fake, generator_loss = self._weigh_slopes(scored)
        slope = scored.slope
        if slope is None:
            torch.autograd.backward(loss)
            slope = _gradient(pairs)
            # The discriminator's gradient holds its own weight of each image; swap it for the generator's.
            towards_real = towards_real / against_fake
        else:
            torch.autograd.backward(loss + scored.penalty, inputs=list(self.discriminator.parameters()))
        torch.autograd.backward(fake, slope[len(images) :] * towards_real[:, None, None, None])
        self._apply_discriminator(moment)
        self._apply_generator(moment)
        return self._describe(loss, scored) | {"generator_loss": generator_loss}

    def _weigh_slopes(self, scored: _Scored) -> tuple[Tensor, Tensor, Tensor]:
        """Return the derivatives of both losses by the scores of generated images, and the generator's loss."""
        real, fake = scored.real.detach(), scored.fake.detach().requires_grad_()
        generator_loss = self._objective.generator_loss(real, fake).mean()
        discriminator_loss = self._objective.discriminator_loss(real, fake).mean()
        (towards_real,) = torch.autograd.grad(generator_loss, fake)
        (against_fake,) = torch.autograd.grad(discriminator_loss, fake)
        return towards_real, against_fake.clamp_min(torch.finfo(torch.float32).tiny), generator_loss.detach()

    def _update_in_turns(self, moment: _Moment, images: Images, classes: Labels | None) -> Losses:
        turns = self.config.objective.critic_steps
        self.discriminator.requires_grad_(requires_grad=True)
        losses: Losses = {}
        for turn, batch in enumerate(images.chunk(turns)):
            batch_classes = None if classes is None else classes.chunk(turns)[turn]
            losses |= self._update_discriminator(moment, turn, batch, batch_classes)
        batch_classes = None if classes is None else classes.chunk(turns)[-1]
        return losses | self._update_generator(moment, images.chunk(turns)[-1], batch_classes)

    def _update_discriminator(self, moment: _Moment, turn: int, images: Images, classes: Labels | None) -> Losses:
        with torch.no_grad(), self.runtime.autocast():
            latents = self._draw_latents(moment.step, f"discriminator/{turn}", len(images))
            fake = self.generator(latents, classes).float()
            fake = self._augmentation.apply(fake, step=moment.step, purpose=f"fake/{turn}")
            real = self._augmentation.apply(images, step=moment.step, purpose=f"real/{turn}")
        scored = self._score(moment, torch.cat([real, fake]), None if classes is None else classes.repeat(2))
        loss = self._objective.discriminator_loss(scored.real, scored.fake).mean()
        torch.autograd.backward(loss + scored.penalty)
        self._apply_discriminator(moment)
        return self._describe(loss, scored)

    def _update_generator(self, moment: _Moment, images: Images, classes: Labels | None) -> Losses:
        self.discriminator.requires_grad_(requires_grad=False)
        with self.runtime.autocast():
            fake = self.generator(self._draw_latents(moment.step, "generator", len(images)), classes).float()
            fake = self._augmentation.apply(fake, step=moment.step, purpose="fake")
            fake_scores = self.discriminator(fake, classes).float()
            real_scores = None
            if self._objective.uses_real_scores:
                with torch.no_grad():
                    real = self._augmentation.apply(images, step=moment.step, purpose="real")
                    real_scores = self.discriminator(real, classes).float()
        loss = self._objective.generator_loss(real_scores, fake_scores).mean()
        torch.autograd.backward(loss)
        self._apply_generator(moment)
        return {"generator_loss": loss.detach()}

    def _score(self, moment: _Moment, pairs: Images, classes: Labels | None) -> _Scored:
        """Score real and generated images, the generated ones last, with what penalties are due."""
        score = functools.partial(self.discriminator, labels=classes)
        if self._is_penalised(moment.step):
            return self._score_with_slopes(moment, pairs, score)
        with self.runtime.autocast():
            real, fake = score(pairs).float().chunk(2)
        penalty, losses = self._hold_slope(moment, pairs, classes)
        return _Scored(real, fake, penalty, losses, None)

    def _is_penalised(self, step: int) -> bool:
        config = self.config.objective
        return step % config.penalty_interval == 0 and bool(config.r1_gamma or config.r2_gamma)

    def _score_with_slopes(self, moment: _Moment, pairs: Images, score: functools.partial[Scores]) -> _Scored:
        """Score images and penalise the slopes there; in float32, where a small difference means something."""
        config = self.config.objective
        pairs.requires_grad_()
        scores = score(pairs)
        penalty = zero_centred_penalty(score, pairs, scores)
        r1, r2 = (part.mean() for part in penalty.surrogate.chunk(2))
        values = [2 * part.mean() for part in penalty.value.chunk(2)]
        strength = config.penalty_interval * self._gamma.factor(moment.progress)
        extra = strength * ((config.r1_gamma or 0.0) * r1 + (config.r2_gamma or 0.0) * r2)
        losses = {"r1": values[0], "r2": values[1]}
        real, fake = scores.chunk(2)
        return _Scored(real, fake, extra, losses, penalty.slope)

    def _hold_slope(self, moment: _Moment, pairs: Images, classes: Labels | None) -> tuple[Tensor, Losses]:
        """Penalise slopes other than 1 between real and generated images, for the loss that asks for it."""
        weight = self.config.objective.gradient_penalty
        if not (self._objective.penalises_interpolates and weight):
            return pairs.new_zeros(()), {}
        real, fake = pairs.detach().chunk(2)
        source = create_generator(self.config.seed, "interpolates", moment.step)
        places = self.lanes.share(torch.rand(len(real) * self.lanes.count, 1, 1, 1, generator=source))
        score = functools.partial(self.discriminator, labels=None if classes is None else classes[: len(real)])
        penalty = one_centred_penalty(score, real, fake, places=places.to(real.device))
        return weight * penalty.surrogate.mean(), {"gradient_penalty": penalty.value.mean()}

    def _describe(self, loss: Tensor, scored: _Scored) -> Losses:
        real, fake = scored.real.detach(), scored.fake.detach()
        means = {"discriminator_loss": loss.detach(), "real_score": real.mean(), "fake_score": fake.mean()}
        return scored.losses | means | self._augmentation.observe(real, fake)

    def _apply_discriminator(self, moment: _Moment) -> None:
        rate = self.config.optimizer.discriminator_lr * learning_rate_factor(self.config, moment.step, moment.progress)
        self._apply(self.discriminator, self._discriminator_optimizer, rate)

    def _apply_generator(self, moment: _Moment) -> None:
        rate = self.config.optimizer.generator_lr * learning_rate_factor(self.config, moment.step, moment.progress)
        self._apply(self.generator, self._generator_optimizer, rate)


def _gradient(images: Images) -> Images:
    if images.grad is None:
        raise RuntimeError("the scores do not depend on the images")
    return images.grad
