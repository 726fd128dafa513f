"""Time as a dependency, so that waiting code can be tested without waiting."""

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells a monotonic time in seconds."""

    def __call__(self) -> float:
        """Return seconds since an arbitrary, fixed moment; never goes back."""
        ...


def monotonic() -> float:
    """Return the machine's monotonic time in seconds."""
    return time.monotonic()
