"""One admitted request as the batcher knows it: what of it is planned, lost, read and delivered."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.schemas.jobs import ModelRef
from app.serving.batches import Part, idle_size
from app.serving.fairness import FairQueue


@dataclass(slots=True, eq=False)
class Ticket:
    """One request, or a reserve.

    Attributes:
        number: Tells it from others.
        model: Version that it is of.
        num_samples: All of them.
        interactive: Whether it goes before bulk.
        window_batches: How many of the largest batches it may be ahead of its reader.
        key: On whose share it is.
        reserve: Samples to have ready; 0 for a request.
        planned: Samples before this one have been in a batch at least once.
        read: Samples before this one are with the reader.
        delivered: How many were computed.
        redo: Lost samples, ascending.
        deaths: Workers that died of it, as far as one can tell.
        queue: Where it waits; None while nothing of it may be computed.
    """

    number: int
    model: ModelRef
    num_samples: int
    interactive: bool
    window_batches: int
    key: str = ""
    reserve: int = 0
    planned: int = 0
    read: int = 0
    delivered: int = 0
    redo: deque[Part] = field(default_factory=deque)
    deaths: int = 0
    queue: "deque[Ticket] | FairQueue[Ticket] | None" = None

    @property
    def unplanned(self) -> int:
        """Samples that have been in no batch."""
        return self.num_samples - self.planned

    def available(self, sizes: tuple[int, ...] | None) -> int:
        """Count the samples that may lead a batch now; a suspect has its lost ones only.

        Args:
            sizes: Padded sizes of its version, ascending; None while there are none.
        """
        if sizes is None:
            return 0
        lost = sum(part.count for part in self.redo)
        if self.deaths:
            in_flight = self.planned - self.delivered - lost
            return 0 if in_flight else lost
        headroom, unplanned = self.headroom(sizes), self.unplanned
        # Slivers are not worth a batch: wait until the reader has made room for a full one.
        full = min(idle_size(sizes), self.reserve) if self.reserve else sizes[-1]
        return lost + (min(headroom, unplanned) if headroom >= min(full, unplanned) else 0)

    def headroom(self, sizes: tuple[int, ...]) -> int:
        """Count the samples that may be computed ahead of the reader."""
        window = self.reserve or self.window_batches * sizes[-1]
        return max(0, window - (self.planned - self.read))

    def is_short(self, sizes: tuple[int, ...]) -> bool:
        """Tell whether half of a reserve is gone."""
        return 2 * self.headroom(sizes) > self.reserve

    def take(self, room: int, sizes: tuple[int, ...]) -> list[Part]:
        """Take samples for a batch: lost ones first, then the next."""
        taken = list(self.take_lost(room))
        room -= sum(part.count for part in taken)
        count = min(room, self.headroom(sizes), self.unplanned) if not (self.redo or self.deaths) else 0
        if count:
            taken.append(Part(self.number, self.planned, count))
            self.planned += count
        return taken

    def take_lost(self, room: int) -> Iterator[Part]:
        """Take lost samples for a batch."""
        while self.redo and room:
            part = self.redo.popleft()
            count = min(part.count, room)
            if count < part.count:
                self.redo.appendleft(Part(part.ticket, part.offset + count, part.count - count))
            room -= count
            yield Part(part.ticket, part.offset, count)
