"""How many modes of the data a generator reaches, and how evenly: the classic count on stacked digits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.evaluation.arrays import Classes, require_classes
from app.evaluation.classifier import Pixels
from app.evaluation.judge import Judge

COLOURS = 3


class ModeTeller(NamedTuple):
    """How to tell the mode of an image, and how many modes there are."""

    predict: Callable[[Pixels], Classes]
    num_modes: int


@dataclass(frozen=True)
class Modes:
    """Where the samples fell.

    Attributes:
        covered: Modes with at least one sample; more is better. An ideal sampler misses
            ``num_modes * (1 - 1 / num_modes) ** n`` of them on average.
        reverse_kl: Divergence of the samples' distribution over modes from the uniform one, in nats; lower is better.
            From 0 to ``log(num_modes)``, for one mode only.
        floor: Expected divergence of an ideal sampler at this count, ``(num_modes - 1) / (2 n)`` nats to first order.
    """

    covered: int
    reverse_kl: float
    floor: float


def count_modes(predicted_modes: Classes, num_modes: int) -> Modes:
    """Count modes, and measure ``KL(generated || uniform)``.

    Some published figures use the training set's distribution in place of the uniform one, and 25,600 or 26,000
    samples: name count and reference beside a figure.

    Args:
        predicted_modes: Mode of each sample, named by a classifier of real images, in [0, num_modes).
        num_modes: Number of modes.

    Raises:
        ValueError: If there are no samples, or a mode does not exist.

    Source:
        Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN), the experiments on stacked MNIST. The floor is the
        bias of entropy estimates: Miller 1955, "Note on the bias of information estimates".
    """
    require_classes("predicted modes", predicted_modes, num_modes)
    counts = np.bincount(predicted_modes, minlength=num_modes)
    shares = counts[counts > 0] / len(predicted_modes)
    return Modes(
        covered=len(shares),
        reverse_kl=max(0.0, float(np.sum(shares * np.log(shares * num_modes)))),
        floor=(num_modes - 1) / (2 * len(predicted_modes)),
    )


def find_modes(judge: Judge, channel_judge: Judge | None, *, num_classes: int) -> ModeTeller | None:
    """Tell modes by the channels where asked to; else by the classes, where the generator was not asked for one.

    Args:
        judge: Of the data.
        channel_judge: Of the grey images in the channels.
        num_classes: Classes that the generator is asked for.
    """
    if channel_judge is not None:
        per_channel = len(channel_judge.class_names)
        return ModeTeller(lambda images: _combine_channels(channel_judge, images), per_channel**COLOURS)
    if judge.class_names and not num_classes:
        return ModeTeller(judge.predict, len(judge.class_names))
    return None


def _combine_channels(judge: Judge, images: Pixels) -> Classes:
    """Number the combination of what the judge sees in each channel; red counts most."""
    modes = np.zeros(len(images), dtype=np.int64)
    for channel in range(COLOURS):
        seen = judge.predict(np.ascontiguousarray(images[..., channel : channel + 1]))
        modes = modes * len(judge.class_names) + seen
    return modes
