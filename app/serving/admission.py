"""Who may wait: requests are let in or refused at once, by how many wait and by when they would be begun."""

import math
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.errors import DeadlineExceededError, QueueFullError
from app.core.settings import QueueSettings
from app.serving.batcher import Batcher
from app.serving.counters import Counters


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom a request is computed, and how long it may wait.

    Attributes:
        key: Whose share of the device it takes.
        begin_by: Monotonic time by which its first samples must go to the device.
    """

    key: str = ""
    begin_by: float = math.inf


ANY_TIME = Terms()


class Admission:
    """Decides on new requests.

    Args:
        batcher: What is admitted already.
        counters: The measured rate; refusals are counted here.
        settings: How much may wait, and how long.
        clock: Monotonic time.
    """

    def __init__(self, batcher: Batcher, counters: Counters, settings: QueueSettings, clock: Clock) -> None:
        self._batcher = batcher
        self._counters = counters
        self._settings = settings
        self._clock = clock

    def agree(self, key: str, timeout_s: float | None = None) -> Terms:
        """Fix the terms of a request that came now.

        Args:
            key: Whose share it takes.
            timeout_s: How long its caller would wait for it to be begun; at most ``queue.wait_s``, which goes for all.
        """
        wait_s = self._settings.wait_s if timeout_s is None else min(timeout_s, self._settings.wait_s)
        return Terms(key, self._clock() + wait_s)

    def check_room(self, waiting: int) -> None:
        """Refuse a request where as many wait as may.

        Raises:
            QueueFullError: If so; ``retry_after_s`` is an estimate.
        """
        if waiting >= self._settings.requests:
            self._counters.refused += 1
            raise QueueFullError(
                "as many requests wait as the service is willing to hold",
                retry_after_s=self._counters.estimate_wait_s(self._batcher.waiting_samples),
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
        left_s = terms.begin_by - self._clock()
        # At most one batch of each other request goes before: mostly no more is needed than this.
        at_most = (len(self._batcher) + self._batcher.in_flight) * turn
        if left_s > 0 and self._counters.predict_s(at_most) <= left_s:
            return
        ahead = self._batcher.count_ahead(terms.key, interactive=interactive, turn=turn)
        if left_s <= 0 or self._counters.predict_s(ahead) > left_s:
            self._counters.overdue += 1
            raise explain_overdue(self._counters, self._batcher)


def explain_overdue(counters: Counters, batcher: Batcher) -> DeadlineExceededError:
    """Say that a request waited, or would wait, for too long."""
    return DeadlineExceededError(
        "the samples cannot be begun within the time that this request may wait",
        retry_after_s=counters.estimate_wait_s(batcher.waiting_samples),
    )
