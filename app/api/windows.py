"""Moving windows in memory, for the strategies of ``limits``: on a clock that never jumps, and of bounded size."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from limits.storage import MovingWindowSupport, Storage

from app.core.clock import Clock, monotonic

MAX_WINDOWS: Final = 16_384
PARTS: Final = 60
"""Of a window, about: entries that are nearer to each other are counted as one, at the time of the last."""


@dataclass(slots=True)
class _Part:
    """Entries that are forgotten together."""

    began: float
    last: float
    amount: int


@dataclass(slots=True)
class _Window:
    """What was taken of late; ``total`` is the sum of its parts, which are in order."""

    total: int = 0
    parts: deque[_Part] = field(default_factory=deque)

    def forget(self, until: float) -> None:
        while self.parts and self.parts[0].last <= until:
            self.total -= self.parts.popleft().amount

    def add(self, now: float, amount: int, grain_s: float) -> None:
        self.total += amount
        if self.parts and now - self.parts[-1].began < grain_s:
            self.parts[-1].last = now
            self.parts[-1].amount += amount
        else:
            self.parts.append(_Part(now, now, amount))


class MovingWindows(Storage, MovingWindowSupport):
    """Counts what was taken within the last seconds; what was taken counts for so long and never longer.

    The storage of the library itself looks at the clock of the day, starts a thread, and keeps one object for each unit
    that is taken. This one keeps at most some ``PARTS`` numbers per key. The key that was asked for longest ago goes
    when there are more than ``max_windows``.

    Args:
        clock: Monotonic time.
        max_windows: Keys that are remembered.
    """

    STORAGE_SCHEME = None  # not made from an address

    def __init__(self, clock: Clock = monotonic, max_windows: int = MAX_WINDOWS) -> None:
        super().__init__()
        self._clock = clock
        self._max_windows = max_windows
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        """Count the keys that are remembered."""
        return len(self._windows)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What may go wrong here: nothing."""
        return ()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Take so much, if it is there; else take nothing."""
        now = self._clock()
        window = self._find(key, now - expiry)
        if window.total + amount > limit:
            return False
        window.add(now, amount, expiry / PARTS)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - as its base
        """Return when the oldest entry was made, or now if there is none; and how much is taken."""
        now = self._clock()
        window = self._windows.get(key)
        if window is None:
            return now, 0
        window.forget(now - expiry)
        return window.parts[0].last if window.parts else now, window.total

    def seconds_until(self, key: str, limit: int, expiry: int, amount: int) -> float:
        """Tell when so much can be taken, if nothing else is taken until then: 0.0 for now, at most ``expiry``."""
        now = self._clock()
        window = self._find(key, now - expiry)
        left = limit - window.total
        for part in window.parts:
            if left >= amount:
                break
            left += part.amount
            if left >= amount:
                return part.last + expiry - now
        return 0.0 if left >= amount else float(expiry)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Take so much in any case; return how much is taken."""
        now = self._clock()
        window = self._find(key, now - expiry)
        window.add(now, amount, expiry / PARTS)
        return window.total

    def get(self, key: str) -> int:
        """Return how much was taken when last something was."""
        return self._windows[key].total if key in self._windows else 0

    def get_expiry(self, key: str) -> float:
        """Return when the oldest entry was made, or now if there is none: a window has no end of its own."""
        window = self._windows.get(key)
        return window.parts[0].last if window and window.parts else self._clock()

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything; return how many keys were remembered."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._windows.pop(key, None)

    def _find(self, key: str, until: float) -> _Window:
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window()
            if len(self._windows) > self._max_windows:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        window.forget(until)
        return window
