"""Training of autoencoders: images to codes and back, and at the end the prior that codes are drawn from."""

import copy
from typing import cast

import torch
from torch import nn

from app.core.errors import RecipeError
from app.data.dataset import ImageDataset
from app.generators.autoencoding import CodeEncoder, Decoder
from app.generators.base import Images, Labels
from app.generators.checkpoint import ENCODER, GENERATOR
from app.repository.manifest import Part
from app.training.compute.lanes import Lanes
from app.training.compute.runtime import Runtime
from app.training.config import TrainingConfig
from app.training.objectives.elbo import (
    apply_free_bits,
    bernoulli_reconstruction,
    gaussian_reconstruction,
    normal_divergence,
    warm_up,
)
from app.training.trainers.averaging import Averager
from app.training.trainers.prior import CodeSet, encode_images, fit_prior, follow_codes
from app.training.trainers.trainer import Losses, Trainer, create_adam, learning_rate_factor

FOLLOW_INTERVAL = 4
_RECONSTRUCTIONS = {"bernoulli": bernoulli_reconstruction, "gaussian": gaussian_reconstruction}


class VariationalTrainer(Trainer):
    """Updates decoder and encoder together, by the evidence lower bound.

    For a deterministic encoder, the divergence is what keeps codes small: half their squared length.

    Raises:
        RecipeError: If latents are to come from another distribution than the standard normal one.

    Source:
        Kingma & Welling 2014, algorithm 1; Ghosh et al. 2020, "From variational to deterministic autoencoders",
        equation 6, for the deterministic one.
    """

    def __init__(
        self,
        config: TrainingConfig,
        decoder: Decoder,
        encoder: CodeEncoder,
        runtime: Runtime,
        lanes: Lanes | None = None,
    ) -> None:
        if config.model.latent_prior != "normal":
            raise RecipeError("model.latent_prior: the divergence of `elbo` is from normal latents; use normal")
        super().__init__(config, decoder, runtime, lanes or Lanes())
        self.decoder = decoder
        self.encoder: CodeEncoder = self._place(encoder)
        self.encoder_averager = Averager(encoder, config.averaging)
        self._decoder_optimizer = create_adam(decoder, config.optimizer)
        self._encoder_optimizer = create_adam(encoder, config.optimizer)
        self._measure_reconstruction = _RECONSTRUCTIONS[config.objective.reconstruction]

    def networks(self) -> dict[str, nn.Module]:
        """See ``Trainer.networks``."""
        return {
            "generator": self.generator,
            "average": self.averager.average,
            "encoder": self.encoder,
            "encoder_average": self.encoder_averager.average,
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """See ``Trainer.optimizers``."""
        return {"generator_optimizer": self._decoder_optimizer, "encoder_optimizer": self._encoder_optimizer}

    def published_parts(self) -> dict[Part, nn.Module]:
        """See ``Trainer.published_parts``."""
        return {GENERATOR: self._average, ENCODER: self.published_encoder()}

    def published_encoder(self) -> CodeEncoder:
        """See ``Trainer.published_encoder``; it gets the prior that its codes are seen through."""
        encoder = self.encoder_averager.average
        encoder.prior.load_state_dict(self._average.prior.state_dict())
        return encoder

    def step(self, step: int, progress: float, images: Images, labels: Labels) -> Losses:
        """See ``Trainer.step``."""
        device = self.runtime.device
        images = images.to(device, non_blocking=True)
        classes = labels.to(device, non_blocking=True) if self._conditional else None
        noise = self._draw_latents(step, "posterior", len(images))
        with self.runtime.autocast():
            posterior = self.encoder.encode(images, classes)
            codes = posterior.at(noise) if self.encoder.learns_variance else posterior.mean
            decoded = self.decoder.decode(codes, classes).float()
        reconstruction = self._measure_reconstruction(images, decoded).mean()
        divergence = normal_divergence(posterior.mean, posterior.log_var)
        objective = self.config.objective
        weight = objective.kl_weight * warm_up(progress, objective.kl_warmup)
        loss = reconstruction + weight * apply_free_bits(divergence, objective.free_bits)
        torch.autograd.backward(loss)
        if step % FOLLOW_INTERVAL == 0 and self.decoder.prior.place is not None:
            follow_codes(self.decoder.prior.place, CodeSet(posterior, classes))
        self._update(step, progress)
        kl = divergence.detach().sum(dim=1).mean()
        return {"loss": loss.detach(), "reconstruction": reconstruction.detach(), "kl": kl}

    def finish(self, dataset: ImageDataset) -> None:
        """Fit the prior to where the images lie; see ``Trainer.finish``."""
        seed = self.config.seed
        images, labels = torch.from_numpy(dataset.images), torch.from_numpy(dataset.labels)
        if self.config.data.mirror:
            images, labels = torch.cat([images, images.flip(2)]), labels.repeat(2)
        codes = encode_images(self.encoder_averager.average, images, labels if self._conditional else None, seed=seed)
        prior = copy.deepcopy(self._average.prior).cpu()
        fit_prior(prior, codes, steps=self.decoder.prior_steps, seed=seed)
        for decoder in (self._average, self.decoder):
            decoder.prior.load_state_dict(prior.state_dict())

    @property
    def _average(self) -> Decoder:
        return cast("Decoder", self.averager.average)

    def _update(self, step: int, progress: float) -> None:
        config = self.config
        rate = config.optimizer.generator_lr * learning_rate_factor(config, step, progress)
        self._apply(self.decoder, self._decoder_optimizer, rate)
        self._apply(self.encoder, self._encoder_optimizer, rate)
        seen, size = (step + 1) * config.images_per_step, config.images_per_step
        self.averager.update(self.decoder, images_seen=seen, batch_size=size)
        self.encoder_averager.update(self.encoder, images_seen=seen, batch_size=size)
