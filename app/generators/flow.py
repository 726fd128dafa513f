"""A normalising flow between standard normal latents and the codes of an autoencoder: a prior that is learned.

Source:
    Dinh et al. 2017, "Density estimation using Real NVP", equations 7 and 8; as a prior of a variational autoencoder:
    Chen et al. 2017, "Variational lossy autoencoder", section 3.2.
"""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from app.generators.base import Labels, Latents

Codes: TypeAlias = Float[Tensor, "batch latent"]
Condition: TypeAlias = Float[Tensor, "batch features"]

LARGEST_LOG_SCALE = 2.0
LARGEST_FACTORS = 2**20
"""Numbers in all factors; with more classes or latents, classes share one covariance and differ in their means."""


class LatentFlow(nn.Module):
    """Maps latents to codes and back, given the class; the identity without layers, and before it is fitted.

    Couplings shape what a Gaussian per class then puts in its place.

    Args:
        latent_dim: Numbers per code.
        num_classes: 0 when unconditional.
        layers: Couplings, each of which moves half of the numbers by what the other half says.
        width: Hidden units of each coupling.
    """

    def __init__(self, latent_dim: int, num_classes: int, *, layers: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_classes, width) if num_classes and layers else None
        self.place = Placement(latent_dim, num_classes) if layers else None
        features = width if self.embedding is not None else 0
        self.couplings: Sequence[Coupling] = nn.ModuleList(  # type: ignore[assignment]  # it is one
            Coupling(latent_dim, features, width) for _ in range(layers if latent_dim > 1 else 0)
        )

    def forward(self, latents: Latents, labels: Labels | None) -> Codes:
        """Turn standard normal latents into codes of the class."""
        condition, codes = self._embed(labels), latents
        for coupling in self.couplings:
            codes = coupling(unshuffle(codes), condition)
        return codes if self.place is None else self.place(codes, labels)

    def inverse(self, codes: Codes, labels: Labels | None) -> tuple[Latents, Float[Tensor, "batch latent"]]:
        """Turn codes into latents.

        Returns:
            The latents, and per number the logarithm of how much it was stretched: their sum is the logarithm of the
            determinant of the Jacobian.
        """
        condition, latents = self._embed(labels), codes
        stretch = torch.zeros_like(codes)
        if self.place is not None:
            latents, stretch = self.place.inverse(codes, labels)
        for coupling in reversed(self.couplings):
            latents, log_scale = coupling.inverse(latents, condition)
            latents, stretch = shuffle(latents), shuffle(stretch + log_scale)
        return latents, stretch

    def _embed(self, labels: Labels | None) -> Condition | None:
        return None if self.embedding is None else self.embedding(labels)


class Placement(nn.Module):
    """Mean and covariance of codes, per class: ``code = mean + factor @ latent``, with a lower triangular factor.

    Nothing here is learned by gradients; ``place`` sets it.
    """

    mean: Tensor
    factor: Tensor

    def __init__(self, latent_dim: int, num_classes: int) -> None:
        super().__init__()
        rows = max(num_classes, 1)
        self.is_shared = rows == 1 or rows * latent_dim**2 > LARGEST_FACTORS
        self.register_buffer("mean", torch.zeros(rows, latent_dim))
        # Neither `eye` nor `repeat`: on the meta device, where networks are built, they take seconds to import.
        factor = torch.zeros(1 if self.is_shared else rows, latent_dim, latent_dim)
        factor.diagonal(dim1=1, dim2=2).fill_(1)
        self.register_buffer("factor", factor)

    def forward(self, latents: Latents, labels: Labels | None) -> Codes:
        """Give latents the mean and covariance of their class."""
        if self.is_shared:
            return latents @ self.factor[0].T + self._means(labels)
        return torch.einsum("bij,bj->bi", self.factor[labels], latents) + self._means(labels)

    def inverse(self, codes: Codes, labels: Labels | None) -> tuple[Latents, Float[Tensor, "batch latent"]]:
        """Undo ``forward``; also returns the logarithm of each number's stretch."""
        factor = self.factor if self.is_shared else self.factor[labels]
        centred = (codes - self._means(labels))[:, :, None]
        latents = torch.linalg.solve_triangular(factor, centred, upper=False)[:, :, 0]
        return latents, -factor.diagonal(dim1=1, dim2=2).log().expand_as(codes)

    def _means(self, labels: Labels | None) -> Tensor:
        return self.mean if labels is None else self.mean[labels]


class Coupling(nn.Module):
    """Scales and shifts the second half of the numbers by functions of the first half and the class."""

    def __init__(self, latent_dim: int, condition: int, width: int) -> None:
        super().__init__()
        self._kept = latent_dim // 2
        moved = latent_dim - self._kept
        self.layers = nn.Sequential(
            nn.Linear(self._kept + condition, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.output = nn.Linear(width, 2 * moved)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, numbers: Latents, condition: Condition | None) -> Codes:
        """Move the second half."""
        kept, moved = numbers[:, : self._kept], numbers[:, self._kept :]
        log_scale, shift = self._conclude(kept, condition)
        return torch.cat([kept, moved * log_scale.exp() + shift], dim=1)

    def inverse(self, numbers: Codes, condition: Condition | None) -> tuple[Latents, Float[Tensor, "batch latent"]]:
        """Undo ``forward``; also returns the logarithm of each number's stretch."""
        kept, moved = numbers[:, : self._kept], numbers[:, self._kept :]
        log_scale, shift = self._conclude(kept, condition)
        latents = torch.cat([kept, (moved - shift) * (-log_scale).exp()], dim=1)
        return latents, torch.cat([torch.zeros_like(kept), -log_scale], dim=1)

    def _conclude(self, kept: Tensor, condition: Condition | None) -> tuple[Tensor, Tensor]:
        features = kept if condition is None else torch.cat([kept, condition], dim=1)
        raw, shift = self.output(self.layers(features)).chunk(2, dim=1)
        return LARGEST_LOG_SCALE * torch.tanh(raw / LARGEST_LOG_SCALE), shift


def shuffle(numbers: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
    """Put odd places before even ones, so that the next coupling moves others."""
    return torch.cat([numbers[:, 1::2], numbers[:, ::2]], dim=1)


def unshuffle(numbers: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
    """Undo ``shuffle``."""
    half = numbers.shape[1] // 2
    restored = torch.empty_like(numbers)
    restored[:, 1::2], restored[:, ::2] = numbers[:, :half], numbers[:, half:]
    return restored
