"""At which padded sizes a generator makes bit-equal samples: measured, since kernels differ by batch size."""

from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from app.core.errors import WorkerError

Forward: TypeAlias = Callable[[Tensor], Tensor]


def measure_agreement(forward: Forward, probes: Tensor, sizes: Sequence[int]) -> Generator[None, None, tuple[int, ...]]:
    """Find the sizes that agree with the largest, comparing floats.

    A generator function, so that real work can be done between two forward passes.

    Args:
        forward: Maps rows of ``probes`` to images, whatever their number.
        probes: Row numbers 0 to the largest size - 1.
        sizes: Padded sizes, ascending.

    Returns:
        The sizes at which every probe is the same wherever it stands, ascending; the largest is always among them.

    Raises:
        WorkerError: If images are not finite, or depend on their place in the batch even at the largest size.
    """
    largest = sizes[-1]
    expected = forward(probes)
    yield
    if not torch.isfinite(expected).all():
        raise WorkerError("the generator makes values that are not finite")
    shift = largest // 2 + 1
    if not torch.equal(expected.roll(shift, 0), forward(probes.roll(shift, 0))):
        raise WorkerError("samples depend on their place in the batch on this device")
    agreed = []
    for size in sizes[:-1]:
        agrees = True
        for start in _starts(size, largest):
            yield
            agrees = agrees and torch.equal(expected[start : start + size], forward(probes[start : start + size]))
        if agrees:
            agreed.append(size)
    return (*agreed, largest)


def _starts(size: int, largest: int) -> list[int]:
    """Choose where to cut: both ends, and a cut that puts rows at odd places."""
    return sorted({0, (largest - size) // 2 | 1, largest - size} & set(range(largest - size + 1)))
