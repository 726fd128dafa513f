"""Until when work that has not begun may wait: what is overdue is told on time, at next to no cost per request."""

import asyncio
import math
from collections.abc import Callable

from app.core.clock import Clock


class Deadlines:
    """Latest moments of tickets.

    Args:
        clock: Monotonic time.
        on_overdue: Told the tickets whose moment has passed, once each.
    """

    def __init__(self, clock: Clock, on_overdue: Callable[[list[int]], None]) -> None:
        self._clock = clock
        self._on_overdue = on_overdue
        self._moments: dict[int, float] = {}
        self._earliest = math.inf  # or of a ticket that is gone: then one look finds nothing, and the next moment
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._moments)

    def add(self, ticket: int, moment: float) -> None:
        """Begin to watch a ticket; one without a finite moment is not watched."""
        if moment == math.inf:
            return
        self._moments[ticket] = moment
        if moment < self._earliest:
            self._earliest = moment
            self._set_timer()

    def discard(self, ticket: int) -> None:
        """Watch a ticket no longer."""
        self._moments.pop(ticket, None)

    def check(self) -> None:
        """Tell what is overdue now; done by a timer besides, for when nothing else happens."""
        now = self._clock()
        if now < self._earliest:
            return
        overdue = [ticket for ticket, moment in self._moments.items() if moment <= now]
        for ticket in overdue:
            del self._moments[ticket]
        self._earliest = min(self._moments.values(), default=math.inf)
        if overdue:
            self._on_overdue(overdue)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._earliest < math.inf:
            delay = max(0.0, self._earliest - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self.check()
        self._set_timer()  # a timer may be early by its resolution
