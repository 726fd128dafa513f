"""Times by buckets, counted without a lock: written and read in one event loop, a few of them in every request."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

from prometheus_client.utils import floatToGoString

SHORT_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1)
LONG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Tally:
    """How many values were at most each bound.

    Args:
        bounds: Ascending; all above the last are counted together.

    Attributes:
        total: Sum of the values.
    """

    __slots__ = ("_bounds", "_counts", "_names", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._names = _name_bounds(tuple(bounds))
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return each bound, as Prometheus writes it, and how many values were at most so much."""
        return list(zip(self._names, map(float, accumulate(self._counts)), strict=True))


@cache
def _name_bounds(bounds: tuple[float, ...]) -> list[str]:
    return [floatToGoString(bound) for bound in (*bounds, float("inf"))]  # type: ignore[no-untyped-call]


class Tallies:
    """Tallies by name, made when they are first asked for; names must be of a bounded set.

    Args:
        bounds: Of each.
    """

    def __init__(self, bounds: Sequence[float] = SHORT_S) -> None:
        self._bounds = bounds
        self.by_name: dict[str, Tally] = {}

    def of(self, name: str) -> Tally:
        """Return the tally of a name."""
        tally = self.by_name.get(name)
        if tally is None:
            tally = self.by_name[name] = Tally(self._bounds)
        return tally
