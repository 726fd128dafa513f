"""Batches: what is in them, and how large they are made."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.schemas.jobs import ModelRef


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive samples of one request inside a batch, counted from the start of the request."""

    ticket: int
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch to send: its parts lie one after the other, the rest up to ``size`` is padding."""

    batch_id: int
    model: ModelRef
    size: int
    parts: tuple[Part, ...]

    @property
    def num_samples(self) -> int:
        """Samples without padding."""
        return sum(part.count for part in self.parts)


def choose_size(num_samples: int, sizes: Iterable[int], *, spare: int = 0) -> int:
    """Choose the padded size of a batch.

    Args:
        num_samples: Samples that wait, at least 1.
        sizes: Allowed sizes, ascending.
        spare: Samples that nobody waits for and that may take the place of padding.

    Returns:
        The smallest size that holds them; the one below when that would leave half or more of the larger one empty:
        two full small batches cost no more, and the first is done earlier.
    """
    below = None
    for size in sizes:
        if size >= num_samples:
            return below if below is not None and (num_samples + spare) * 2 <= size else size
        below = size
    if below is None:
        raise ValueError("a batch needs at least one allowed size")
    return below


def idle_size(sizes: tuple[int, ...]) -> int:
    """Return the size of batches that nobody waits for: whoever comes meanwhile waits for one of them."""
    return sizes[-2] if len(sizes) > 1 else sizes[-1]


def smallest_size(num_samples: int, sizes: tuple[int, ...]) -> int:
    """Return the smallest size that holds so many samples."""
    return next(size for size in sizes if size >= num_samples)
