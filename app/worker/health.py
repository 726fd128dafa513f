"""Whether images are any that a caller should get: finite, and not all alike.

What looks wrong in a batch is not held against a version before its probes were computed again: a sparse model may
draw a batch of empty images, and a caller may ask for the same sample sixteen times. Probes are many, different, and
were fit to be seen when the version was loaded; where they are not any more, the network in memory has changed.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from app.core.errors import ModelUnhealthyError, WorkerError
from app.generators.base import Generator
from app.generators.pixels import Pixels
from app.schemas.jobs import Run, VariationRun
from app.worker.probes import draw_probes

JUDGED = 8
"""Images of a batch that are looked at, padding among them where there are fewer samples."""

_ONE_PIXEL = (1, 1)


def look_alike(pixels: Pixels) -> bool:
    """Tell whether every image is of one colour, or all are the same; False for fewer than two.

    Costs next to nothing where they are not: the first two images clear all.
    """
    if len(pixels) < 2:  # noqa: PLR2004 - nothing to compare with
        return False
    first, corners = pixels[0], pixels[:, :1, :1]
    has_area = tuple(pixels.shape[1:3]) != _ONE_PIXEL
    is_plain = has_area and torch.equal(first, corners[0].expand_as(first))
    if not (is_plain or torch.equal(first, pixels[1])):
        return False
    return bool((pixels == first).all() or (has_area and (pixels == corners).all()))


def check_probes(pixels: Pixels) -> None:
    """Refuse a network whose probes are of one colour each, or all the same.

    Raises:
        ModelUnhealthyError: If so.
    """
    if look_alike(pixels):
        raise ModelUnhealthyError("the generator makes images that are all alike")


def judge(generator: Generator, images: Tensor, pixels: Pixels, runs: Sequence[Run]) -> None:
    """Look at a computed batch, and at the probes again where it looks wrong.

    Args:
        generator: What made it.
        images: The samples as the network made them.
        pixels: The same as pixels, and padding up to ``JUDGED``.
        runs: What was asked for.

    Raises:
        ModelUnhealthyError: If nobody should get samples of this network.
        WorkerError: If only these samples are not finite, and are made from latents that a caller's images led to.
    """
    is_finite = bool(torch.isfinite(images.sum()))
    if is_finite and not look_alike(pixels):
        return
    check_probes(draw_probes(generator))
    if is_finite:
        return
    if any(isinstance(run, VariationRun) for run in runs):
        raise WorkerError("the generator made values that are not finite of these images")
    raise ModelUnhealthyError("the generator made values that are not finite")
