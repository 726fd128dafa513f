"""The second stage of an autoencoder: a density of codes, fitted when encoder and decoder are trained.

Source:
    Ghosh et al. 2020, "From variational to deterministic autoencoders", section 4 (ex-post density estimation); Dai &
    Wipf 2019, "Diagnosing and enhancing VAE models", section 4.
"""

import copy
import dataclasses
import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from app.generators.autoencoding import CodeEncoder
from app.generators.base import Labels, Posterior
from app.generators.flow import LatentFlow, Placement
from app.generators.pixels import from_pixels
from app.training.randomness import create_generator

MOST_IMAGES = 2**16
ENCODED_AT_ONCE = 256

FOLLOWED_CODES = 500
"""Codes of a class after which what was known of it counts half."""

BATCH = 512
LEARNING_RATE = 3e-3
MAX_GRAD_NORM = 5.0
HELD_OUT = 20
"""One code in this many is kept aside, to tell when the prior learns the images by heart."""
CHECKS = 20
PATIENCE = 4


@dataclasses.dataclass(frozen=True)
class CodeSet:
    """Where the images of a training set lie, and their classes; None when unconditional."""

    posterior: Posterior
    labels: Labels | None

    def __len__(self) -> int:
        return len(self.posterior.mean)

    def choose(self, rows: Tensor) -> "CodeSet":
        """Return some of the images."""
        posterior = Posterior(self.posterior.mean[rows], self.posterior.log_var[rows])
        return CodeSet(posterior, None if self.labels is None else self.labels[rows])


@torch.no_grad()
def encode_images(
    encoder: CodeEncoder, images: UInt8[Tensor, "n height width channels"], labels: Labels | None, *, seed: int
) -> CodeSet:
    """Encode the images of a training set, or ``MOST_IMAGES`` of them.

    Args:
        encoder: In evaluation mode.
        images: As in a data set.
        labels: Their classes; None when unconditional.
        seed: Chooses which, and the order: a held-out part can be cut off anywhere.
    """
    device = next(encoder.parameters()).device
    chosen = torch.randperm(len(images), generator=create_generator(seed, "prior_images", 0))[:MOST_IMAGES]
    labels = None if labels is None else labels[chosen]
    means, log_vars = [], []
    for start in range(0, len(chosen), ENCODED_AT_ONCE):
        pixels = images[chosen[start : start + ENCODED_AT_ONCE]].to(device)
        classes = None if labels is None else labels[start : start + ENCODED_AT_ONCE].to(device)
        posterior = encoder.encode(from_pixels(pixels), classes)
        means.append(posterior.mean.cpu())
        log_vars.append(posterior.log_var.cpu())
    return CodeSet(Posterior(torch.cat(means), torch.cat(log_vars)), labels)


def fit_prior(prior: LatentFlow, codes: CodeSet, *, steps: int, seed: int) -> None:
    """Fit a prior to codes, on the CPU: a Gaussian per class in closed form, then the couplings by likelihood.

    The couplings that were best on held-out codes are kept; where none were better than the Gaussian, as can happen
    with few images, they do nothing.

    Args:
        prior: Not fitted yet; stays as it is when it has no layers.
        codes: In random order.
        steps: Updates of the couplings.
        seed: Of the run.
    """
    if prior.place is None:
        return
    place_codes(prior.place, codes)
    num_held_out = len(codes) // HELD_OUT
    held_out = codes.choose(torch.arange(num_held_out))
    training = codes.choose(torch.arange(num_held_out, len(codes)))
    if not (num_held_out and steps and len(prior.couplings)):
        return
    best, patience = copy.deepcopy(prior.state_dict()), PATIENCE
    lowest = _measure_held_out(prior, held_out, seed)
    for _ in _train(prior.requires_grad_(), training, steps=steps, seed=seed):
        cost = _measure_held_out(prior, held_out, seed)
        patience -= 1
        if cost < lowest:
            best, lowest, patience = copy.deepcopy(prior.state_dict()), cost, PATIENCE
        if not patience:
            break
    prior.load_state_dict(best)
    prior.requires_grad_(requires_grad=False)


def place_codes(place: Placement, codes: CodeSet) -> None:
    """Set mean and covariance of each class to those of its codes, their own width included.

    A class's covariance is drawn towards that of all classes by as much as ``latent_dim`` images would weigh: classes
    of a few images have no covariance of their own.
    """
    mean, variance = codes.posterior.mean.double(), codes.posterior.log_var.double().exp()
    latent_dim = mean.shape[1]
    labels = torch.zeros(len(mean), dtype=torch.int64) if codes.labels is None else codes.labels.long()
    rows = len(place.mean)
    counts = torch.bincount(labels, minlength=rows).clamp_min(1).double()
    centres = torch.zeros(rows, latent_dim, dtype=torch.float64).index_add_(0, labels, mean) / counts[:, None]
    spread = mean - centres[labels]
    pooled = (spread.T @ spread + variance.sum(dim=0).diag()) / len(mean)
    place.mean.copy_(centres)
    if place.is_shared:
        place.factor.copy_(torch.linalg.cholesky(pooled)[None])
        return
    for row in range(rows):
        own, own_variance = spread[labels == row], variance[labels == row]
        total = own.T @ own + own_variance.sum(dim=0).diag() + latent_dim * pooled
        place.factor[row].copy_(torch.linalg.cholesky(total / (len(own) + latent_dim)))


@torch.no_grad()
def follow_codes(place: Placement, codes: CodeSet) -> None:
    """Move mean and covariance of the classes of a batch towards those of its codes.

    So samples can be looked at before codes are settled and the prior is fitted for good.
    """
    mean, variance = codes.posterior.mean.detach().double(), codes.posterior.log_var.detach().double().exp()
    labels = torch.zeros(len(mean), dtype=torch.int64) if codes.labels is None else codes.labels.cpu()
    for row in sorted(set(labels.tolist())):
        own = (labels == row).to(mean.device)
        weight = 1.0 - 0.5 ** (float(own.sum()) / FOLLOWED_CODES)
        centre, home = mean[own].mean(dim=0), 0 if place.is_shared else row
        spread, shift = mean[own] - centre, centre - place.mean[row]
        factor = place.factor[home].double()
        covariance = (1 - weight) * (factor @ factor.T + weight * shift.outer(shift))
        covariance += weight * (spread.T @ spread / len(spread) + variance[own].mean(dim=0).diag())
        place.mean[row] += weight * shift
        place.factor[home] = torch.linalg.cholesky(covariance)


def measure_surprise(prior: LatentFlow, codes: CodeSet, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, ""]:
    """Return the mean negative log-density of codes, in nats, but for a constant."""
    latents, stretch = prior.inverse(codes.posterior.at(noise), codes.labels)
    return (0.5 * latents.square() - stretch).sum(dim=1).mean()


@torch.no_grad()
def _measure_held_out(prior: LatentFlow, codes: CodeSet, seed: int) -> float:
    noise = torch.randn(codes.posterior.mean.shape, generator=create_generator(seed, "prior_check", 0))
    return float(measure_surprise(prior, codes, noise))


def _train(prior: LatentFlow, codes: CodeSet, *, steps: int, seed: int) -> Iterator[None]:
    """Update the couplings; yields from time to time, so that the caller can look and stop."""
    optimizer = torch.optim.Adam(prior.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), fused=True)
    interval = -(-steps // CHECKS)
    for step in range(steps):
        source = create_generator(seed, "prior", step)
        batch = codes.choose(torch.randint(len(codes), (BATCH,), generator=source))
        noise = torch.randn(batch.posterior.mean.shape, generator=source)
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(measure_surprise(prior, batch, noise))
        torch.nn.utils.clip_grad_norm_(prior.parameters(), MAX_GRAD_NORM)
        optimizer.step()
        if (step + 1) % interval == 0 or step + 1 == steps:
            yield
