"""Has the worker load versions, one at a time, through its deaths; a version that kills two workers is given up."""

import asyncio
from collections.abc import Callable

from app.core.errors import ServiceError, WorkerError, error_from_code
from app.schemas.jobs import LoadModel, ModelFailed, ModelLoaded, ModelRef

DEATHS_TO_GIVE_UP = 2


class Loader:
    """Queue of versions to load."""

    def __init__(self) -> None:
        self._send: Callable[[LoadModel], None] | None = None
        self._waiting: dict[ModelRef, asyncio.Future[ModelLoaded]] = {}
        self._present: ModelRef | None = None
        self._deaths = 0

    async def load(self, model: ModelRef) -> ModelLoaded:
        """Have a version loaded and warmed up; several callers of one version share one load.

        Raises:
            ServiceError: The reason why it cannot be served.
        """
        future = self._waiting.get(model)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._waiting[model] = future
            self._next()
        return await asyncio.shield(future)

    def worker_ready(self, send: Callable[[LoadModel], None]) -> None:
        """Give a new worker what is to be loaded.

        Args:
            send: Sends to it; not called any more after ``worker_lost``.
        """
        self._send = send
        self._next()

    def worker_lost(self, *, blame: bool) -> None:
        """Note that the worker died.

        Args:
            blame: Whether it was busy with the present load, as far as one can tell.
        """
        self._send = None
        model, self._present = self._present, None
        if model is not None and blame:
            self._deaths += 1
            if self._deaths >= DEATHS_TO_GIVE_UP:
                self._finish(model, WorkerError("the worker died twice while it loaded this version"))

    def finish(self, message: ModelLoaded | ModelFailed) -> None:
        """Take the worker's answer."""
        if message.model != self._present:
            return
        self._present = None
        if isinstance(message, ModelLoaded):
            self._finish(message.model, message)
        else:
            self._finish(message.model, error_from_code(message.code, message.detail, message.fields))
        self._next()

    def close(self, error: ServiceError) -> None:
        """End all loads."""
        for model in list(self._waiting):
            self._finish(model, error)

    def _next(self) -> None:
        if self._send is not None and self._present is None and self._waiting:
            self._present = next(iter(self._waiting))
            self._send(LoadModel(self._present))

    def _finish(self, model: ModelRef, outcome: ModelLoaded | ServiceError) -> None:
        self._deaths = 0
        future = self._waiting.pop(model, None)
        if future is None or future.done():
            return
        if isinstance(outcome, ModelLoaded):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)
            future.exception()  # a caller that left before must not make the loop complain
