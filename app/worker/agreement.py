"""At which padded sizes a generator makes bit-equal samples, and how long they take: measured, as kernels differ."""

import time
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from app.core.clock import Clock
from app.core.errors import ModelUnhealthyError

Forward: TypeAlias = Callable[[Tensor], Tensor]


class Agreed(NamedTuple):
    """A padded size at which every probe is the same wherever it stands.

    Attributes:
        size: Samples in a batch.
        seconds: The fastest of a few passes.
    """

    size: int
    seconds: float


def choose_clock(device: torch.device) -> Clock:
    """Return the clock that other work disturbs least: on a CPU, the time of the thread that asks."""
    return time.thread_time if device.type == "cpu" else time.perf_counter


def measure_agreement(
    forward: Forward, probes: Tensor, sizes: Sequence[int], clock: Clock
) -> Generator[None, None, list[Agreed]]:
    """Find the sizes that agree with the largest, comparing floats.

    A generator function, so that real work can be done between two forward passes.

    Args:
        forward: Maps rows of ``probes`` to images, whatever their number.
        probes: Row numbers 0 to the largest size - 1.
        sizes: Padded sizes, ascending.
        clock: Times passes.

    Returns:
        The sizes that agree, ascending; the largest is always among them.

    Raises:
        ModelUnhealthyError: If images are not finite, or depend on their place in the batch even at the largest size.
    """
    largest = sizes[-1]
    expected = forward(probes)
    yield
    if not torch.isfinite(expected).all():
        raise ModelUnhealthyError("the generator makes values that are not finite")
    seconds = []
    for shift in (1, largest // 2 + 1):
        equal, elapsed = _compare(forward, probes.roll(shift, 0), expected.roll(shift, 0), clock)
        yield
        if not equal:
            raise ModelUnhealthyError("samples depend on their place in the batch on this device")
        seconds.append(elapsed)
    agreed = [Agreed(largest, min(seconds))]
    for size in reversed(sizes[:-1]):
        equal, fastest = True, float("inf")
        for start in _starts(size, largest):
            part = slice(start, start + size)
            same, elapsed = _compare(forward, probes[part], expected[part], clock)
            yield
            equal, fastest = equal and same, min(fastest, elapsed)
        if equal:
            agreed.insert(0, Agreed(size, fastest))
    return agreed


def keep_worthwhile(agreed: Sequence[Agreed], *, overhead_s: float, gain: float) -> tuple[int, ...]:
    """Leave out sizes that make samples no faster than a smaller one: whoever comes meanwhile waits for such a batch.

    Args:
        agreed: Measured sizes, ascending, at least one.
        overhead_s: What a batch costs beside its pass, in seconds.
        gain: By how much a larger size must shorten the time per sample, as a share of it, in [0, 1).

    Returns:
        Sizes, ascending; the smallest is always among them.
    """
    kept: list[int] = []
    best = float("inf")
    for size, seconds in agreed:
        per_sample = (seconds + overhead_s) / size
        if per_sample < best * (1 - gain):
            kept.append(size)
            best = per_sample
    return tuple(kept)


def _compare(forward: Forward, rows: Tensor, expected: Tensor, clock: Clock) -> tuple[bool, float]:
    start = clock()
    equal = torch.equal(expected, forward(rows))  # which waits for a GPU
    return equal, clock() - start


def _starts(size: int, largest: int) -> list[int]:
    """Choose where to cut: both ends, and a cut that puts rows at odd places."""
    return sorted({0, (largest - size) // 2 | 1, largest - size} & set(range(largest - size + 1)))
