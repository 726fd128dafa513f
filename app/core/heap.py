"""What the C library does with memory that is freed."""

import ctypes
from collections.abc import Callable

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have this process keep freed memory for its next allocations, instead of giving it back and faulting it in again.

    For processes that compute, before they start threads: activations of the same sizes come and go at every pass. The
    GNU C library maps blocks above 32 MiB anew each time, which made batches of 256 half as slow again, and so it does
    with all that threads other than the first one need.

    Returns:
        Whether the C library can be told; only GNU's can.
    """
    mallopt = _find("mallopt")
    options = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _LARGEST_INT, _M_ARENA_MAX: 1}
    return mallopt is not None and all(mallopt(option, value) for option, value in options.items())


def give_back_memory() -> None:
    """Give memory that is free now back to the system, where the C library can be told."""
    trim = _find("malloc_trim")
    if trim is not None:
        trim(0)


def _find(name: str) -> Callable[..., int] | None:
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
    return function
