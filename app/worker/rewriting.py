"""Faster forms of a generator, each tried on the same latents and used only where pixels stay within its bound.

What is used follows from settings, weights, device and build, never from a measurement of time: the same version has
the same pixels after every restart.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from app.core.errors import ModelUnhealthyError
from app.core.logging import get_logger
from app.generators.base import Generator, put_channels_last
from app.generators.folding import fold_batch_norms
from app.generators.lowering import Bfloat16Generator, find_products
from app.generators.pixels import Pixels
from app.schemas.jobs import BFLOAT16, NumericsConfig, PixelDifferences, RefusedRewrite
from app.worker.differences import LOW_PRECISION, ROUNDING, Bound, compare_pixels
from app.worker.failures import is_out_of_memory, is_sticky
from app.worker.graphs import GraphedGenerator
from app.worker.probes import draw_probes

FLOAT32 = "float32"

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A generator as it is computed.

    Attributes:
        generator: Makes the images.
        probes: Its pixels of ``draw_probes``; empty once they were looked at.
        is_network: Whether there are products in it, rather than rules for drawing.
        numerics: Its precision and the rewrites in force, for example ``float32+folded+channels_last``.
        differences: From the pixels without any rewrite; None where none is in force.
        refused: Rewrites that were asked for and would have moved pixels too far.
        golden: How its samples compare with those that it was published with.
    """

    generator: Generator
    probes: Pixels
    is_network: bool = True
    numerics: str = FLOAT32
    differences: PixelDifferences | None = None
    refused: tuple[RefusedRewrite, ...] = ()
    golden: str = "not compared"


class _Rewrite(NamedTuple):
    """One faster form; ``apply`` may change its argument, and returns None where there is nothing to gain."""

    setting: str
    label: str
    apply: Callable[[Generator], Generator | None]
    bound: Bound


class _Refusal(Exception):  # noqa: N818 - an outcome, not an error
    """Why a rewrite is not used."""


def rewrite(generator: Generator, config: NumericsConfig) -> Rewritten:
    """Apply what is asked for, one after the other; all of it together has to stay within the widest bound.

    Costs a few forward passes of 64 samples, and a copy of the weights meanwhile.

    Args:
        generator: As it was published: in float32, in evaluation mode, on its device.
        config: What is asked for.

    Raises:
        torch.OutOfMemoryError: If the device has no room for the copy.
        ModelUnhealthyError: If it makes values that are not finite as it is.
    """
    expected = draw_probes(generator)
    if not find_products(generator):
        return Rewritten(generator, expected, is_network=False)
    current, probes, differences, bound = generator, expected, None, ROUNDING
    labels: list[str] = []
    refused: list[RefusedRewrite] = []
    for one in _choose(config, _device_of(generator)):
        try:
            candidate = one.apply(copy.deepcopy(current))
            if candidate is None:
                continue
            probes, differences = _check(candidate, expected, max(bound, one.bound))
        except _Refusal as refusal:
            refused.append(RefusedRewrite(one.setting, str(refusal)))
            continue
        current, bound = candidate, max(bound, one.bound)
        labels.append(one.label)
    return Rewritten(current, probes, numerics=_name(labels), differences=differences, refused=tuple(refused))


def _name(labels: list[str]) -> str:
    """Write precision first, then the rewrites in their order."""
    precision = BFLOAT16 if BFLOAT16 in labels else FLOAT32
    return "+".join([precision, *(label for label in labels if label != BFLOAT16)])


def _choose(config: NumericsConfig, device: torch.device) -> Iterator[_Rewrite]:
    if config.fold_batch_norm:
        yield _Rewrite("fold_batch_norm", "folded", _fold, ROUNDING)
    if config.channels_last:
        yield _Rewrite("channels_last", "channels_last", _lay_out, ROUNDING)
    if config.precision == BFLOAT16:
        yield _Rewrite("precision", BFLOAT16, Bfloat16Generator, LOW_PRECISION)
    if config.cuda_graphs and device.type == "cuda":
        yield _Rewrite("cuda_graphs", "cuda_graphs", GraphedGenerator, ROUNDING)


def _check(candidate: Generator, expected: Pixels, bound: Bound) -> tuple[Pixels, PixelDifferences]:
    """Compare pixels; return those of the candidate, and by how much they differ.

    Raises:
        _Refusal: If they differ too much, or this device cannot compute the candidate.
    """
    try:
        probes = draw_probes(candidate)
    except ModelUnhealthyError as error:
        raise _Refusal("it makes values that are not finite") from error
    except RuntimeError as error:  # an operation that this device lacks in this form; always the same for a version
        if is_out_of_memory(error) or is_sticky(error):
            raise
        _log.warning("rewrite-failed", exc_info=error)
        raise _Refusal("this device cannot compute it") from error
    found = compare_pixels(expected, probes)
    reason = bound.explain(found)
    if reason is not None:
        raise _Refusal(reason)
    return probes, found


def _fold(generator: Generator) -> Generator | None:
    return generator if fold_batch_norms(generator) else None


def _lay_out(generator: Generator) -> Generator | None:
    is_dense = all(isinstance(layer, nn.Linear) for layer in find_products(generator))
    return None if is_dense else put_channels_last(generator)


def _device_of(generator: Generator) -> torch.device:
    return next(generator.parameters()).device
