"""Augmentation in front of the discriminator: the same kinds of change on real and generated images, differentiable.

The generator never sees a changed image as a goal: the discriminator only compares changed with changed. So a few
hundred images last longer before the discriminator knows them by heart, and nothing of the changes leaks into samples.
"""

import statistics
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from app.generators.base import Images, Scores
from app.training.config import AugmentationPolicy

TRANSLATION = 1 / 8
"""Largest shift, relative to the side of the image."""
CUTOUT = 1 / 2
"""Side of the square that is cut out, relative to the side of the image."""

PROBABILITY_LIMIT = 0.85
"""Above it generated images begin to show the changes themselves: Karras et al. 2020, section 2.2."""
UPDATES_PER_MOVE = 4

_Uniform = Float[Tensor, " batch"]
_Applied = Bool[Tensor, " batch"]


class DiffAugment:
    """Changes each image with parameters of its own.

    The result is a pure function of the images, the state of the generator and the probability. Every image takes the
    same numbers from the generator whatever the probability is, so raising it only adds changes.

    Args:
        policies: What to change; applied in the order colour, translation, cutout, whatever order they come in. Grey
            images have no saturation to change.

    Source:
        Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training", section 3.3: policies and
        strengths. The chance of each policy for each image is after Karras et al. 2020, "Training generative
        adversarial networks with limited data", section 2.1.
    """

    def __init__(self, policies: Sequence[AugmentationPolicy]) -> None:
        self._policies = [_POLICIES[name] for name in _POLICIES if name in policies]

    def __call__(self, images: Images, *, probability: float, generator: torch.Generator) -> Images:
        """Change images; see ``apply``. The generator is on the CPU, and advances as far for any probability."""
        return self.apply(images, self.draw(len(images), generator), probability=probability)

    def draw(self, num_images: int, generator: torch.Generator) -> Float[Tensor, "batch policies 4"]:
        """Draw the numbers that decide over each image, uniform in [0, 1); rows can be shared out among lanes."""
        return torch.rand(num_images, len(self._policies), 4, generator=generator)

    def apply(self, images: Images, numbers: Float[Tensor, "batch policies 4"], *, probability: float) -> Images:
        """Change images by numbers that are drawn already.

        Args:
            images: In [-1, 1]; where pixels are shifted in or cut out there is 0, mid grey.
            numbers: From ``draw``.
            probability: Chance of each policy for each image, in [0, 1].

        Returns:
            Images with channels last in memory where they came so. Colours may leave [-1, 1].
        """
        if probability == 0:
            return images
        columns = numbers.to(images.device, non_blocking=True).permute(1, 2, 0)
        for policy, (chance, *strengths) in zip(self._policies, columns, strict=True):
            images = policy(images, chance < probability, strengths)
        return images


def _change_color(images: Images, applied: _Applied, strengths: list[_Uniform]) -> Images:
    """Brightness by up to 0.5 either way, saturation 0 to 2 fold, contrast 0.5 to 1.5 fold.

    One after the other they are one affine map, which costs half.
    """
    light, vivid, hard = strengths
    offset = torch.where(applied, light - 0.5, 0.0)
    contrast = torch.where(applied, hard + 0.5, 1.0)
    grey = images.mean(dim=1, keepdim=True)  # saturation keeps it
    shift = offset + (1 - contrast) * grey.mean(dim=(1, 2, 3))
    if images.shape[1] == 1:
        return images * _per_image(contrast) + _per_image(shift)
    saturation = torch.where(applied, 2 * vivid, 1.0)
    return images * _per_image(contrast * saturation) + (
        grey * _per_image(contrast * (1 - saturation)) + _per_image(shift)
    )


def _translate(images: Images, applied: _Applied, strengths: list[_Uniform]) -> Images:
    """Shift by whole pixels: one copy of rows, which is cheap in both directions of the gradient."""
    down, right, _ = strengths
    num_images, channels, height, width = images.shape
    rows = torch.arange(height, device=images.device) - _shift(down, height, applied)[:, None]
    columns = torch.arange(width, device=images.device) - _shift(right, width, applied)[:, None]
    inside = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    first = torch.arange(num_images, device=images.device)[:, None, None] * (height * width)
    source = torch.where(inside, first + rows[:, :, None] * width + columns[:, None, :], num_images * height * width)
    pixels = images.permute(0, 2, 3, 1).reshape(-1, channels)
    pixels = torch.cat([pixels, pixels.new_zeros(1, channels)])  # what lies outside
    return pixels.index_select(0, source.flatten()).view(num_images, height, width, channels).permute(0, 3, 1, 2)


def _cut_out(images: Images, applied: _Applied, strengths: list[_Uniform]) -> Images:
    """Put a square of mid grey anywhere; its centre is inside, its sides may not be."""
    down, right, _ = strengths
    _, _, height, width = images.shape
    rows, columns = _cover(down, height), _cover(right, width)
    hole = rows[:, :, None] & columns[:, None, :] & applied[:, None, None]
    return images * ~hole[:, None]  # a masked fill would not keep channels last


_POLICIES: dict[AugmentationPolicy, Callable[[Images, _Applied, list[_Uniform]], Images]] = {
    "color": _change_color,
    "translation": _translate,
    "cutout": _cut_out,
}


def _per_image(values: _Uniform) -> Float[Tensor, "batch 1 1 1"]:
    return values[:, None, None, None]


def _shift(uniform: _Uniform, side: int, applied: _Applied) -> Int[Tensor, " batch"]:
    """Return a shift of each image, in whole pixels: uniform over ``-largest .. largest``."""
    largest = int(side * TRANSLATION + 0.5)
    return torch.where(applied, (uniform * (2 * largest + 1)).floor().long() - largest, 0)


def _cover(uniform: _Uniform, side: int) -> Bool[Tensor, "batch side"]:
    """Return which rows, or columns, of each image the square covers."""
    length = int(side * CUTOUT + 0.5)
    center = (uniform * (side + 1 - length % 2)).floor()
    start = (center - length // 2)[:, None]
    places = torch.arange(side, device=uniform.device)
    return (places >= start) & (places < start + length)


def _within(places: Int[Tensor, "batch side"], side: int) -> Bool[Tensor, "batch side"]:
    return (places >= 0) & (places < side)


class AdaptiveProbability:
    """Raises the chance of augmentation while the discriminator is too sure of real images, and lowers it otherwise.

    Args:
        target: How sure it may be, in (0, 1): 0.6 means that it takes 80 % of the real images for real.
        ramp_images: Real images over which the chance can go from 0 to 1.
        paired: Compare each real image with a generated one, for losses whose scores have no zero of their own
            (relativistic, Wasserstein, least squares); the target is translated, see ``paired_target``.
        average: Mean of a number over lanes that train together; by default there is one.

    Source:
        Karras et al. 2020, "Training generative adversarial networks with limited data", section 3.1, equation 1: r_t,
        its target and the move by a fixed amount every fourth batch.
    """

    def __init__(
        self,
        *,
        target: float = 0.6,
        ramp_images: int = 500_000,
        paired: bool = False,
        average: Callable[[float], float] | None = None,
    ) -> None:
        self._target = paired_target(target) if paired else target
        self._ramp_images = ramp_images
        self._paired = paired
        self._average = average
        self._value = 0.0
        self._updates = 0
        self._images = 0
        self._signs = torch.zeros(())

    @property
    def value(self) -> float:
        """The chance at this moment, in [0, 0.85]."""
        return self._value

    def update(self, real: Scores, fake: Scores) -> None:
        """Take note of the scores of one step; waits for the device at every fourth step only."""
        known = (real - fake if self._paired else real).detach()
        self._signs = self._signs.to(known.device) + known.sign().sum()
        self._images += len(real)
        self._updates += 1
        if self._updates == UPDATES_PER_MOVE:
            self._move()

    def _move(self) -> None:
        sureness = float(self._signs) / self._images
        if self._average is not None:
            sureness = self._average(sureness)
        step = self._images / self._ramp_images
        moved = self._value + (step if sureness > self._target else -step)
        self._value = min(max(moved, 0.0), PROBABILITY_LIMIT)
        self._updates, self._images, self._signs = 0, 0, torch.zeros(())

    def state(self) -> Float[Tensor, "4"]:
        """Return what must be kept to go on."""
        return torch.tensor([self._value, self._updates, self._images, float(self._signs)], dtype=torch.float64)

    def load_state(self, state: Float[Tensor, "4"]) -> None:
        """Go on from a state."""
        value, updates, images, signs = state.tolist()
        self._value, self._updates, self._images = value, int(updates), int(images)
        self._signs = torch.tensor(signs)


def paired_target(target: float) -> float:
    """Translate a target of E[sign D(real)] to one of E[sign(D(real) - D(fake))] that asks for as much.

    If scores of real and generated images are normal, equally wide and centred at +m and -m, then a share (1 + target)
    / 2 of real images above zero means m = q sigmas with q its quantile; the difference of a pair is 2 m with sqrt 2
    sigmas. 0.6 becomes 0.77: the discriminator may order 88 % of the pairs rightly.

    Args:
        target: In (-1, 1).

    Returns:
        The target for pairs, in (-1, 1).
    """
    normal = statistics.NormalDist()
    return 2 * normal.cdf(2**0.5 * normal.inv_cdf((1 + target) / 2)) - 1
