"""Log lines of refusals, thinned: a flood is told in a line a second, since a line costs more than a refusal."""

from http import HTTPStatus
from typing import Final, TypeAlias

THINNED: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED.value, HTTPStatus.TOO_MANY_REQUESTS.value, HTTPStatus.SERVICE_UNAVAILABLE.value}
)
EVERY_S: Final = 1.0

Kind: TypeAlias = tuple[str, int, str]


class ThinnedLines:
    """Decides which refusals get a line of their own; kinds are of a bounded set.

    All are counted in the metrics; at level ``debug`` all are written.
    """

    def __init__(self) -> None:
        self._next: dict[Kind, float] = {}
        self._left_out: dict[Kind, int] = {}

    def pass_on(self, kind: Kind, now: float) -> int | None:
        """Return how many lines of a kind were left out before this one; None if this one is left out, too.

        Args:
            kind: Route, status and problem of the refusal.
            now: Monotonic time.
        """
        if now < self._next.get(kind, 0.0):
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return None
        self._next[kind] = now + EVERY_S
        return self._left_out.pop(kind, 0)
