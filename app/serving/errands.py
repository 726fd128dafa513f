"""What a worker is asked besides batches, one at a time; what kills several workers is given up."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from app.core.errors import ServiceError
from app.schemas.jobs import ToWorker

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Errands(Generic[Key, Answer]):
    """A queue of messages that have one answer each.

    Args:
        give_up: Makes the error of an errand that killed so many workers.
        deaths: How many.
    """

    def __init__(self, give_up: Callable[[], ServiceError], *, deaths: int) -> None:
        self._give_up = give_up
        self._deaths_to_give_up = deaths
        self._send: Callable[[ToWorker], None] | None = None
        self._messages: dict[Key, ToWorker] = {}
        self._waiting: dict[Key, asyncio.Future[Answer]] = {}
        self._present: Key | None = None
        self._deaths = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_running(self) -> bool:
        """Whether the worker was given one and has not answered."""
        return self._present is not None

    async def run(self, key: Key, message: ToWorker) -> Answer:
        """Have a message answered; several callers with one key share one answer.

        Raises:
            ServiceError: What came in the place of an answer.
        """
        future = self._waiting.get(key)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._waiting[key] = future
            self._messages[key] = message
            self._next()
        return await asyncio.shield(future)

    def drop(self, key: Key) -> None:
        """Forget an errand that nobody waits for; one that the worker has begun is finished."""
        if key != self._present:
            self._messages.pop(key, None)
            self._waiting.pop(key, None)

    def worker_ready(self, send: Callable[[ToWorker], None]) -> None:
        """Give a new worker what is to be done.

        Args:
            send: Sends to it; not called any more after ``worker_lost``.
        """
        self._send = send
        self._next()

    def worker_lost(self, *, blame: bool) -> None:
        """Note that the worker died.

        Args:
            blame: Whether it was busy with the present errand, as far as one can tell.
        """
        self._send = None
        key, self._present = self._present, None
        if key is not None and blame:
            self._deaths += 1
            if self._deaths >= self._deaths_to_give_up:
                self._finish(key, self._give_up())

    def finish(self, key: Key, outcome: Answer | ServiceError) -> None:
        """Take the worker's answer; one to a question that is not asked is ignored."""
        if key == self._present:
            self._present = None
            self._finish(key, outcome)
            self._next()

    def close(self, error: ServiceError) -> None:
        """End all errands."""
        for key in list(self._waiting):
            self._finish(key, error)

    def _next(self) -> None:
        if self._send is not None and self._present is None and self._waiting:
            self._present = next(iter(self._waiting))
            self._send(self._messages[self._present])

    def _finish(self, key: Key, outcome: Answer | ServiceError) -> None:
        self._deaths = 0
        self._messages.pop(key, None)
        future = self._waiting.pop(key, None)
        if future is None or future.done():
            return
        if isinstance(outcome, ServiceError):
            future.set_exception(outcome)
            future.exception()  # a caller that left before must not make the loop complain
        else:
            future.set_result(outcome)
