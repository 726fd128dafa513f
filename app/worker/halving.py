"""Batches for which there is no memory: computed again in smaller parts, at padded sizes that make the same samples."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch

from app.core.clock import Clock, monotonic
from app.core.errors import OutOfDeviceMemoryError
from app.core.heap import give_back_memory
from app.core.logging import get_logger
from app.generators.pixels import Pixels
from app.schemas.jobs import ModelRef
from app.worker.failures import is_out_of_memory

Compute: TypeAlias = Callable[[slice, int], Pixels]
"""Computes some rows of a batch, at most as many as a padded size."""

LOWERED_S = 60.0
RETRY_AFTER_S = 5

_log = get_logger(__name__)


class Halving:
    """Finds the size at which a batch fits; larger ones are left alone for a while after they did not.

    Safe to use from several threads.

    Args:
        device: Where batches are computed.
        clock: Monotonic time.
    """

    def __init__(self, device: torch.device, clock: Clock = monotonic) -> None:
        self._device = device
        self._clock = clock
        self._lowered: dict[ModelRef, tuple[int, float]] = {}

    def compute(self, model: ModelRef, count: int, sizes: Sequence[int], compute: Compute) -> Pixels:
        """Compute a batch whole, or in parts where there is too little memory.

        Args:
            model: The version.
            count: Samples in the batch.
            sizes: Padded sizes that may be used, descending; the first holds all samples.
            compute: What computes a part.

        Returns:
            Pixels of all samples.

        Raises:
            OutOfDeviceMemoryError: If there is no memory for the smallest size either.
        """
        for size in self._choose(model, sizes):
            pixels = _try(compute, count, size)
            if pixels is not None:
                return pixels
            self.free()
            _log.warning("batch-does-not-fit", model=model.name, version=model.version, size=size)
            self._lowered[model] = (size, self._clock() + LOWERED_S)
        raise OutOfDeviceMemoryError(
            f"the device has no memory for {sizes[-1]} samples of this version now", retry_after_s=RETRY_AFTER_S
        )

    def forget(self, model: ModelRef) -> None:
        """Forget what did not fit of a version."""
        self._lowered.pop(model, None)

    def free(self) -> None:
        """Give memory that is kept for later back to the device, where other sizes may use it."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        else:
            give_back_memory()

    def _choose(self, model: ModelRef, sizes: Sequence[int]) -> Sequence[int]:
        """Leave out sizes that did not fit a moment ago; the smallest is always tried."""
        failed, until = self._lowered.get(model, (0, 0.0))
        if not failed:
            return sizes
        if self._clock() >= until:
            self.forget(model)
            return sizes
        return [size for size in sizes if size < failed] or sizes[-1:]


def _try(compute: Compute, count: int, size: int) -> Pixels | None:
    """Compute all parts at one size; None if one does not fit. What the error holds on to is gone at the return."""
    try:
        starts = range(0, count, size)
        if len(starts) == 1:
            return compute(slice(0, count), size)
        return torch.cat([compute(slice(start, min(start + size, count)), size) for start in starts])
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return None
