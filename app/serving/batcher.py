"""Which samples are computed next, together: continuous batching as a pure state machine, without time or threads.

Rules: interactive requests before bulk, and keys share each of the two by samples; bulk requests of one key in turn; at
most a window of samples ahead of a request's reader; one batch more sent than the device computes at once. Reserves,
which nobody waits for, take what would be padding and lead a batch of a middle size when nothing else is to be done.
Samples of a lost worker are planned again, before all else of their key and in order. A request whose batch had
*started* when a worker died is a suspect: it runs alone, with no other batch beside it, until those samples are done;
its next death ends it.
"""

import itertools
from collections import deque
from dataclasses import dataclass

from app.schemas.jobs import ModelRef
from app.serving.batches import Part, PlannedBatch, choose_size, idle_size, smallest_size
from app.serving.fairness import FairQueue
from app.serving.tickets import Ticket

DEATHS_TO_POISON = 2
INTERACTIVE_IN_A_ROW = 3  # then bulk leads one batch: it is slowed down, never stopped


@dataclass(slots=True, eq=False)
class _Flight:
    batch: PlannedBatch
    is_suspect: bool = False
    started: bool = False


class Batcher:
    """Plans batches for one device.

    Args:
        window_batches: How many of the largest batches a request may be ahead of its reader.

    Attributes:
        lanes: Batches that the device computes at once; one more is sent, so that none of them waits for work.
    """

    def __init__(self, *, window_batches: int) -> None:
        self.lanes = 1
        self._window_batches = window_batches
        self._sizes: dict[ModelRef, tuple[int, ...]] = {}
        self._tickets: dict[int, Ticket] = {}
        self._suspects: deque[Ticket] = deque()
        self._interactive: FairQueue[Ticket] = FairQueue()
        self._bulk: FairQueue[Ticket] = FairQueue()
        self._idle_work: FairQueue[Ticket] = FairQueue()
        self._reserves: dict[int, Ticket] = {}
        self._flights: dict[int, _Flight] = {}
        self._ticket_numbers = itertools.count()
        self._batch_ids = itertools.count()
        self._interactive_run = 0

    def __len__(self) -> int:
        """Count the admitted requests; reserves are none."""
        return len(self._tickets) - len(self._reserves)

    @property
    def in_flight(self) -> int:
        """Batches sent and not answered."""
        return len(self._flights)

    @property
    def is_computing(self) -> bool:
        """Whether the device is known to be busy with a batch."""
        return any(flight.started for flight in self._flights.values())

    @property
    def waiting_samples(self) -> int:
        """Samples of admitted requests that are in no batch and not computed."""
        in_flight = sum(
            part.count
            for flight in self._flights.values()
            for part in flight.batch.parts
            if part.ticket in self._tickets and part.ticket not in self._reserves
        )
        requests = (ticket for ticket in self._tickets.values() if not ticket.reserve)
        return sum(ticket.num_samples - ticket.delivered for ticket in requests) - in_flight

    def count_ahead(self, key: str, *, interactive: bool, turn: int) -> int:
        """Estimate how many samples, or their padding, are computed before the first of a new request of a key.

        Args:
            key: Whose request.
            interactive: Whether it goes before bulk.
            turn: Samples of the largest batch of its version: no request has more than that computed at a time.
        """

        def size_of(ticket: Ticket) -> int:
            return min(self._available(ticket), turn)

        in_flight = sum(flight.batch.size for flight in self._flights.values())
        if interactive:
            return in_flight + self._interactive.ahead_of(key, size_of, turn)
        return in_flight + self._interactive.count(size_of) + self._bulk.ahead_of(key, size_of, turn)

    def uses(self, model: ModelRef) -> bool:
        """Tell whether an admitted request is of this version."""
        return any(ticket.model == model for ticket in self._tickets.values())

    def sizes(self, model: ModelRef) -> tuple[int, ...] | None:
        """Return the padded sizes of a version, as they were set."""
        return self._sizes.get(model)

    def set_sizes(self, model: ModelRef, sizes: tuple[int, ...]) -> None:
        """Allow batches of a version, at these padded sizes (ascending); without sizes its requests wait."""
        self._sizes[model] = sizes
        for ticket in self._tickets.values():
            if ticket.model == model:
                self._dequeue(ticket)
                self._enqueue(ticket)

    def forget(self, model: ModelRef) -> None:
        """Drop the sizes of a version that no request uses any more."""
        self._sizes.pop(model, None)

    def submit(self, model: ModelRef, num_samples: int, *, interactive: bool, key: str = "") -> int:
        """Admit a request, on the share of a key, and return its ticket."""
        ticket = Ticket(next(self._ticket_numbers), model, num_samples, interactive, self._window_batches, key)
        self._tickets[ticket.number] = ticket
        self._enqueue(ticket)
        return ticket.number

    def keep(self, model: ModelRef, num_samples: int, *, reserve: int) -> int:
        """Admit a reserve: of its samples, so many are kept ready ahead of its reader. Returns its ticket."""
        ticket = Ticket(next(self._ticket_numbers), model, num_samples, False, self._window_batches, reserve=reserve)
        self._tickets[ticket.number] = self._reserves[ticket.number] = ticket
        self._enqueue(ticket)
        return ticket.number

    def read(self, number: int, position: int) -> None:
        """Note that the reader took all samples before ``position``."""
        ticket = self._tickets.get(number)
        if ticket is not None:
            ticket.read = position
            self._enqueue(ticket)

    def cancel(self, number: int) -> bool:
        """Forget a request; returns whether it was there. What is in flight for it is computed and dropped."""
        ticket = self._tickets.pop(number, None)
        if ticket is None:
            return False
        self._reserves.pop(number, None)
        self._dequeue(ticket)
        return True

    def drop_model(self, model: ModelRef) -> list[int]:
        """Forget all requests of a version that cannot be served; return their tickets."""
        dropped = [ticket.number for ticket in self._tickets.values() if ticket.model == model]
        return [number for number in dropped if self.cancel(number)]

    def next_batch(self) -> PlannedBatch | None:
        """Plan the batch to send now; None when the device has enough work or nothing is eligible."""
        if len(self._flights) > self.lanes or any(flight.is_suspect for flight in self._flights.values()):
            return None
        if self._suspects:
            return None if self._flights else self._plan_alone(self._suspects[0])
        bulk_is_due = self._bulk and self._interactive_run >= INTERACTIVE_IN_A_ROW
        if self._interactive and not bulk_is_due:
            if len(self._flights) == self.lanes and not self._fills(self._interactive):
                return None
            self._interactive_run += 1
            return self._plan(self._interactive, self._bulk)
        self._interactive_run = 0
        if self._bulk:
            return self._plan(self._bulk, self._interactive)
        return self._plan(self._idle_work, None) if self._may_fill() else None

    def start(self, batch_id: int) -> None:
        """Note that the device began with a batch."""
        flight = self._flights.get(batch_id)
        if flight is not None:
            flight.started = True

    def complete(self, batch_id: int) -> PlannedBatch | None:
        """Note that a batch was computed, and return it; None if it is not in flight."""
        flight = self._flights.pop(batch_id, None)
        if flight is None:
            return None
        for part in flight.batch.parts:
            ticket = self._tickets.get(part.ticket)
            if ticket is not None:
                self._credit(ticket, part.count)
        return flight.batch

    def fail(self, batch_id: int) -> list[int]:
        """Note that a batch cannot be computed; forget its requests and return their tickets."""
        flight = self._flights.pop(batch_id, None)
        if flight is None:
            return []
        return [part.ticket for part in flight.batch.parts if self.cancel(part.ticket)]

    def lose_worker(self) -> list[int]:
        """Note that the worker died: what was in flight is planned again, first.

        Returns:
            Tickets of the requests that died a second time; they are forgotten.
        """
        flights = list(self._flights.values())
        self._flights.clear()
        started = {part.ticket for flight in flights if flight.started for part in flight.batch.parts}
        parts = [part for flight in flights for part in flight.batch.parts if part.ticket in self._tickets]
        for part in reversed(parts):
            self._tickets[part.ticket].redo.appendleft(part)
        poisoned = []
        for number in reversed(dict.fromkeys(part.ticket for part in parts)):
            ticket = self._tickets[number]
            self._dequeue(ticket)
            ticket.deaths += number in started
            if ticket.deaths >= DEATHS_TO_POISON:
                poisoned.append(number)
                self.cancel(number)
            else:
                self._enqueue(ticket, first=True)
        return poisoned

    def _fills(self, lead: FairQueue[Ticket]) -> bool:
        """Tell whether what waits fills the largest batch; a smaller one has no need to wait at the device."""
        model = lead.head().model
        largest = self._sizes[model][-1]
        waiting = lead.in_order(lambda ticket: self._available(ticket) if ticket.model == model else 0, largest)
        return sum(map(self._available, waiting)) >= largest

    def _may_fill(self) -> bool:
        """Tell whether a batch for a reserve may be sent: on the last free lane only where half of it is gone."""
        if not self._idle_work:
            return False
        reserve = self._idle_work.head()
        lanes = self.lanes if reserve.is_short(self._sizes[reserve.model]) else max(1, self.lanes - 1)
        return len(self._flights) < lanes

    def _enqueue(self, ticket: Ticket, *, first: bool = False) -> None:
        if ticket.queue is not None or not self._available(ticket):
            return
        ticket.queue = self._home(ticket)
        if first:
            ticket.queue.appendleft(ticket)
        else:
            ticket.queue.append(ticket)

    @staticmethod
    def _dequeue(ticket: Ticket) -> None:
        if ticket.queue is not None:
            ticket.queue.remove(ticket)
            ticket.queue = None

    def _home(self, ticket: Ticket) -> deque[Ticket] | FairQueue[Ticket]:
        return self._suspects if ticket.deaths else self._class_of(ticket)

    def _class_of(self, ticket: Ticket) -> FairQueue[Ticket]:
        if ticket.reserve:
            return self._idle_work
        return self._interactive if ticket.interactive else self._bulk

    def _plan_alone(self, ticket: Ticket) -> PlannedBatch:
        self._dequeue(ticket)
        sizes = self._sizes[ticket.model]
        parts = tuple(ticket.take_lost(sizes[-1]))
        size = smallest_size(sum(part.count for part in parts), sizes)
        return self._send(ticket.model, size, parts, is_suspect=True)

    def _plan(self, lead: FairQueue[Ticket], fill: FairQueue[Ticket] | None) -> PlannedBatch:
        """Size a batch for the model and queue of the head; what would be padding goes to others of that model."""
        model = lead.head().model
        sizes = self._sizes[model]

        def size_of(ticket: Ticket) -> int:
            return self._available(ticket) if ticket.model == model else 0

        is_spare = lead is self._idle_work and not lead.head().is_short(sizes)
        limit = idle_size(sizes) if is_spare else sizes[-1]
        leading = lead.in_order(size_of, limit)
        filling = [] if fill is None else fill.in_order(size_of, limit)
        filling += [ticket for ticket in self._reserves.values() if ticket.model == model]
        wanted = min(limit, sum(self._available(ticket) for ticket in leading))
        spare = sum(ticket.headroom(sizes) for ticket in filling)
        size = choose_size(wanted, sizes, spare=spare)
        parts: list[Part] = []
        room = size
        for ticket in itertools.chain(leading, filling):
            if not room:
                break
            taken = self._take(ticket, room)
            count = sum(part.count for part in taken)
            self._class_of(ticket).charge(ticket.key, count, most=sizes[-1])
            room -= count
            parts += taken
        return self._send(model, size, tuple(parts))

    def _send(self, model: ModelRef, size: int, parts: tuple[Part, ...], *, is_suspect: bool = False) -> PlannedBatch:
        batch = PlannedBatch(next(self._batch_ids), model, size, parts)
        self._flights[batch.batch_id] = _Flight(batch, is_suspect)
        return batch

    def _take(self, ticket: Ticket, room: int) -> list[Part]:
        taken = ticket.take(room, self._sizes[ticket.model])
        still_available = self._available(ticket) > 0
        if not still_available or not ticket.interactive:
            self._dequeue(ticket)
        if still_available:
            self._enqueue(ticket)
        return taken

    def _available(self, ticket: Ticket) -> int:
        return ticket.available(self._sizes.get(ticket.model))

    def _credit(self, ticket: Ticket, count: int) -> None:
        ticket.delivered += count
        if ticket.delivered == ticket.num_samples:
            self._dequeue(ticket)
            del self._tickets[ticket.number]
            return
        if ticket.deaths and not ticket.redo:
            ticket.deaths = 0  # the samples that were suspected are done: it was another's fault
        self._enqueue(ticket)
