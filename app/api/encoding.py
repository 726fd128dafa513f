"""Encoding off the event loop: a bounded number of threads, each call measured."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.api.monitoring.tallies import Tallies

_T = TypeVar("_T")

SMALL_BYTES = 4096
"""Encoded on the event loop: about 0.1 ms as PNG."""
OTHER = "other"


class Encoder:
    """Runs encoders in threads; codecs release the interpreter lock while they work.

    Args:
        threads: How many at once.
        seconds: Where to record how long each call took, by what was encoded.
    """

    def __init__(self, threads: int, seconds: Tallies | None = None) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="encode")
        self._seconds = seconds or Tallies()

    async def run(self, function: Callable[..., _T], *arguments: object, kind: str = OTHER) -> tuple[_T, float]:
        """Call a function in a thread.

        When this is cancelled, the function is waited for: afterwards no thread touches what it was given.

        Args:
            function: What to call.
            *arguments: What to call it with.
            kind: Format that it encodes.

        Returns:
            Its result, and the seconds it took without waiting for a thread.
        """
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executor, _measure, function, *arguments)
        try:
            result, seconds = await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})
            raise
        self._seconds.of(kind).observe(seconds)
        return result, seconds

    async def run_sized(
        self, num_bytes: int, function: Callable[..., _T], *arguments: object, kind: str = OTHER
    ) -> tuple[_T, float]:
        """Call a function as ``run`` does, or at once where the pixels are so few that a thread would take longer.

        Args:
            num_bytes: Pixels that the function encodes, in bytes.
            function: What to call.
            *arguments: What to call it with.
            kind: Format that it encodes.
        """
        if num_bytes > SMALL_BYTES:
            return await self.run(function, *arguments, kind=kind)
        result, seconds = _measure(function, *arguments)
        self._seconds.of(kind).observe(seconds)
        return result, seconds

    def close(self) -> None:
        """Stop the threads when they have nothing to do."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _measure(function: Callable[..., _T], *arguments: object) -> tuple[_T, float]:
    started = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - started
