"""Whether a worker still moves: it must answer pings, and go on with the work it was given."""

from app.core.clock import Clock
from app.schemas.jobs import (
    BatchDone,
    BatchFailed,
    BatchStarted,
    FromWorker,
    LoadModel,
    ModelFailed,
    ModelLoaded,
    ModelRef,
    Ping,
    Pong,
    SampleBatch,
    ToWorker,
)

MAX_SILENCE_S = 15.0


class Watchdog:
    """Judges one worker by what is sent to it and what comes back.

    Args:
        work_s: How long it may compute a batch, or be without a word while it has work.
        load_s: How much longer while it loads a version: when told to, or for the first batch of a version.
        clock: Monotonic time.
    """

    def __init__(self, *, work_s: float, load_s: float, clock: Clock) -> None:
        self._work_s = work_s
        self._load_s = load_s
        self._silence_s = min(work_s, MAX_SILENCE_S)
        self._clock = clock
        self._batches: dict[int, ModelRef] = {}
        self._begun: dict[int, float] = {}
        self._loads: set[ModelRef] = set()
        self._known: set[ModelRef] = set()
        self._progress = clock()
        self._ping = 0
        self._pinged: float | None = None

    def sent(self, message: ToWorker) -> None:
        """Note work that the worker was given."""
        if not self._batches and not self._loads:
            self._progress = self._clock()
        if isinstance(message, SampleBatch):
            self._batches[message.batch_id] = message.model
        elif isinstance(message, LoadModel):
            self._loads.add(message.model)

    def received(self, message: FromWorker) -> None:
        """Note a sign of life."""
        if isinstance(message, Pong):
            self._pinged = None
            return
        self._progress = self._clock()
        if isinstance(message, BatchStarted):
            self._begun[message.batch_id] = self._progress
        elif isinstance(message, BatchDone | BatchFailed):
            self._begun.pop(message.batch_id, None)
            model = self._batches.pop(message.batch_id)
            if isinstance(message, BatchDone):
                self._known.add(model)
        elif isinstance(message, ModelLoaded | ModelFailed):
            self._loads.discard(message.model)

    def next_ping(self) -> Ping | None:
        """Return a ping to send now; None while one is unanswered."""
        if self._pinged is not None:
            return None
        self._pinged = self._clock()
        self._ping += 1
        return Ping(self._ping)

    def is_hung(self) -> bool:
        """Tell whether the worker has been silent, or without progress, for too long."""
        now = self._clock()
        if self._pinged is not None and now - self._pinged > self._silence_s:
            return True
        if not self._batches and not self._loads:
            return False
        is_loading = bool(self._loads) or not self._known.issuperset(self._batches.values())
        last = min([self._progress, *self._begun.values()])  # what one lane does says nothing of the others
        return now - last > self._work_s + (self._load_s if is_loading else 0.0)
