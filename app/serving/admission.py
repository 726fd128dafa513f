"""Who may wait: requests are let in or refused at once, by how many wait and by when they would be begun."""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from app.core.clock import Clock
from app.core.errors import DeadlineExceededError, QueueFullError
from app.core.settings import QueueSettings
from app.schemas.jobs import ModelRef
from app.serving.batcher import Batcher
from app.serving.counters import Counters

RECALL_S: Final = 0.01
"""How long a refusal stands for those that follow: looking at all that waits costs more than a refusal may."""
TRUST: Final = 0.65
"""Share of the time left that a prediction may take up: it is exceeded by half now and then."""
_MAX_RECALLED = 1024


class Budget(Protocol):
    """What a key may spend on the device."""

    def spend(self, seconds: float, count: int) -> None:
        """Take device time for so many samples, or raise what speaks against it."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom a request is computed, and how long it may wait.

    Attributes:
        key: Whose share of the device it takes.
        begin_by: Monotonic time by which its first samples must go to the device.
        budget: What pays for it; None for a key without bounds.
    """

    key: str = ""
    begin_by: float = math.inf
    budget: Budget | None = None


ANY_TIME = Terms()


class Admission:
    """Decides on new requests.

    Args:
        batcher: What is admitted already.
        counters: The measured rate; refusals are counted here.
        settings: How much may wait, and how long.
        clock: Monotonic time.
        is_shared: Whether keys share the queue: then one may hold no more places than are free, so that the flood of
            one leaves places to others, however many flood.

    Source:
        Choudhury and Hahne 1998, "Dynamic queue length thresholds for shared-memory packet switches", with a factor
        of 1.

    Attributes:
        num_places: Requests that were let in and whose streams are not closed.
    """

    def __init__(
        self, batcher: Batcher, counters: Counters, settings: QueueSettings, clock: Clock, *, is_shared: bool = False
    ) -> None:
        self._batcher = batcher
        self._counters = counters
        self._settings = settings
        self._clock = clock
        self._is_shared = is_shared
        self._encodings: Counter[str] = Counter()
        self._places: Counter[str] = Counter()  # by key; none is 0
        self.num_places = 0
        self._refused: dict[tuple[str, bool], tuple[float, float]] = {}  # until when, and how long it would take
        self._retry_after: tuple[float, int] = (-math.inf, 0)

    def agree(self, key: str, timeout_s: float | None = None, budget: Budget | None = None) -> Terms:
        """Fix the terms of a request that came now.

        Args:
            key: Whose share it takes.
            timeout_s: How long its caller would wait for it to be begun; at most ``queue.wait_s``, which goes for all.
            budget: What pays for it.
        """
        wait_s = self._settings.wait_s if timeout_s is None else min(timeout_s, self._settings.wait_s)
        return Terms(key, self._clock() + wait_s, budget)

    def check_place(self, terms: Terms) -> None:
        """Refuse a request of samples where as many have a place as may; see ``check_room``."""
        self.check_room(self.num_places, self._places[terms.key])

    def take_place(self, key: str) -> Callable[[], None]:
        """Give a request a place, and return what gives it back, once.

        It keeps its place when its samples are computed, as they take up memory until their answer is sent: so readers
        who are slow hold no more than those who wait may.
        """
        self.num_places += 1
        self._places[key] += 1

        def give_back() -> None:
            self.num_places -= 1
            self._places[key] -= 1
            if not self._places[key]:
                del self._places[key]

        return give_back

    def check_room(self, waiting: int, held: int = 0) -> None:
        """Refuse a request where as many wait as may.

        Args:
            waiting: How many wait.
            held: How many of these are of the same key.

        Raises:
            QueueFullError: If so; ``retry_after_s`` is an estimate.
        """
        free = self._settings.requests - waiting
        if free <= 0 or (self._is_shared and held >= free):
            self._counters.refused += 1
            whose = "requests wait as the service is willing to hold"
            raise QueueFullError(
                f"as many {whose if free <= 0 else f'{whose} for one key'}",
                retry_after_s=self._estimate_wait_s(),
            )

    def check_time(self, terms: Terms, *, interactive: bool = True, turn: int = 0) -> None:
        """Refuse a request that would not be begun in time, as far as one can tell from the measured rate.

        Args:
            terms: Its terms.
            interactive: Whether it goes before bulk.
            turn: Samples of the largest batch of its version; 0 looks at the time only.

        Raises:
            DeadlineExceededError: If so; ``retry_after_s`` is an estimate.
        """
        self.recall(terms, interactive=interactive)
        now = self._clock()
        left_s = TRUST * (terms.begin_by - now)
        # At most one batch of each other request goes before: mostly no more is needed than this.
        at_most = (len(self._batcher) + self._batcher.in_flight) * turn
        if left_s > 0 and self._counters.predict_s(at_most) <= left_s:
            return
        ahead = self._batcher.count_ahead(terms.key, interactive=interactive, turn=turn)
        ahead_s = self._counters.predict_s(ahead)
        if left_s <= 0 or ahead_s > left_s:
            if len(self._refused) >= _MAX_RECALLED:
                self._refused.clear()
            self._refused[terms.key, interactive] = (now + RECALL_S, ahead_s)
            self._refuse_overdue()

    def recall(self, terms: Terms, *, interactive: bool = True) -> None:
        """Refuse a request as another of its key was a moment ago.

        Args:
            terms: Its terms.
            interactive: Whether it goes before bulk; what is not known to be bulk may.

        Raises:
            DeadlineExceededError: If it would not be begun in time either.
        """
        until, ahead_s = self._refused.get((terms.key, interactive), (-math.inf, 0.0))
        now = self._clock()
        if now < until and ahead_s > TRUST * (terms.begin_by - now):
            self._refuse_overdue()

    def charge(self, terms: Terms, model: ModelRef, num_samples: int) -> None:
        """Have a request paid for, once nothing else speaks against it.

        Args:
            terms: Its terms.
            model: Version that it is of.
            num_samples: How many samples.

        Raises:
            ServiceError: What its budget raises.
        """
        if terms.budget is not None:
            terms.budget.spend(self._counters.device_seconds(model.name, model.version, num_samples), num_samples)

    @contextlib.contextmanager
    def hold_encoding(self, terms: Terms, waiting: int) -> Iterator[None]:
        """Let images of a request wait for their latents.

        Args:
            terms: Its terms.
            waiting: How many sets of images wait.

        Raises:
            QueueFullError: If as many wait as may.
        """
        self.check_room(waiting, self._encodings[terms.key])
        self._encodings[terms.key] += 1
        try:
            yield
        finally:
            self._encodings[terms.key] -= 1
            if not self._encodings[terms.key]:
                del self._encodings[terms.key]

    def _refuse_overdue(self) -> None:
        self._counters.overdue += 1
        raise _overdue(self._estimate_wait_s())

    def _estimate_wait_s(self) -> int:
        """Estimate when all that waits is done; looked at anew after a moment only."""
        now = self._clock()
        until, seconds = self._retry_after
        if now >= until:
            seconds = self._counters.estimate_wait_s(self._batcher.waiting_samples)
            self._retry_after = (now + RECALL_S, seconds)
        return seconds


def explain_overdue(counters: Counters, batcher: Batcher) -> DeadlineExceededError:
    """Say that a request waited, or would wait, for too long."""
    return _overdue(counters.estimate_wait_s(batcher.waiting_samples))


def _overdue(retry_after_s: int) -> DeadlineExceededError:
    return DeadlineExceededError(
        "the samples cannot be begun within the time that this request may wait", retry_after_s=retry_after_s
    )
