"""Whose turn it is: keys share a device by the samples that they are given. Knows neither batches nor time."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Generic, Protocol, TypeVar


class Keyed(Protocol):
    """Something that waits on behalf of a key."""

    @property
    def key(self) -> str:
        """Whose share it takes."""
        ...


Item = TypeVar("Item", bound=Keyed)


@dataclass(slots=True, eq=False)
class _Flow(Generic[Item]):
    """One key: what waits, and how far its clock is."""

    clock: int
    items: deque[Item] = field(default_factory=deque)


class FairQueue(Generic[Item]):
    """What waits, by key; what one key has waiting stays in order.

    Each key has a clock that advances by the samples that it is given, and the key whose clock is behind all others
    goes first. A key that comes back starts at the clock of the key that went last: shares are not saved up. Costs
    memory per key that ever came.

    Source:
        Goyal, Vin and Cheng 1996, "Start-time fair queuing", section 2, with samples for the length of a packet.
    """

    def __init__(self) -> None:
        self._flows: dict[str, _Flow[Item]] = {}
        self._busy: dict[str, _Flow[Item]] = {}  # those with something that waits
        self._now = 0

    def __bool__(self) -> bool:
        return bool(self._busy)

    def append(self, item: Item) -> None:
        """Let something wait behind all else of its key."""
        self._join(item.key).items.append(item)

    def appendleft(self, item: Item) -> None:
        """Let something wait before all else of its key."""
        self._join(item.key).items.appendleft(item)

    def remove(self, item: Item) -> None:
        """Forget something that waits.

        Raises:
            ValueError: If it does not wait.
        """
        flow = self._flow(item.key)
        flow.items.remove(item)
        if not flow.items:
            del self._busy[item.key]

    def head(self) -> Item:
        """Return what goes first; there must be something."""
        return min(self._busy.values(), key=attrgetter("clock")).items[0]

    def in_order(self, size_of: Callable[[Item], int], limit: int) -> list[Item]:
        """List what goes first, in the order that is fair if each is given all its samples.

        Args:
            size_of: Samples that an item could be given; what has none is left out.
            limit: How many samples are to be given; no more than that is listed of any key, but for its last item.
        """
        self._now = min((flow.clock for flow in self._busy.values()), default=self._now)
        starts: list[tuple[int, Item]] = []
        for flow in self._busy.values():
            clock = flow.clock
            for item in flow.items:
                size = size_of(item)
                if size:
                    starts.append((clock, item))
                    clock += size
                    if clock >= flow.clock + limit:
                        break
        if len(self._busy) > 1:
            starts.sort(key=itemgetter(0))
        return [item for _, item in starts]

    def charge(self, key: str, count: int, *, most: int) -> None:
        """Note that a key was given samples.

        Args:
            key: Which.
            count: How many.
            most: How far its clock may be ahead of the one that went first. What nobody else wanted was taken from
                nobody, so that it is not held against a key for longer than a turn.
        """
        flow = self._flow(key)
        flow.clock = min(flow.clock + count, self._now + most)

    def ahead_of(self, key: str, size_of: Callable[[Item], int], turn: int) -> int:
        """Estimate how many samples are given before the first of something that a key would append now.

        Args:
            key: Which.
            size_of: Samples that each item is given before it.
            turn: Most samples that another key is given before this one is.
        """
        waiting = {name: sum(size_of(item) for item in flow.items) for name, flow in self._busy.items()}
        own = waiting.pop(key, 0)
        return own + sum(min(others, own + turn) for others in waiting.values())

    def count(self, size_of: Callable[[Item], int]) -> int:
        """Count the samples of all that waits."""
        return sum(size_of(item) for flow in self._busy.values() for item in flow.items)

    def _join(self, key: str) -> _Flow[Item]:
        flow = self._busy.get(key)
        if flow is None:
            flow = self._busy[key] = self._flow(key)
            flow.clock = max(flow.clock, self._now)
        return flow

    def _flow(self, key: str) -> _Flow[Item]:
        flow = self._flows.get(key)
        if flow is None:
            flow = self._flows[key] = _Flow(self._now)
        return flow
