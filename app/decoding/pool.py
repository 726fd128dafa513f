"""A few decoders for all uploads: started when the first one comes, replaced when one dies, ended when idle."""

import asyncio
from collections.abc import Callable, Sequence

from app.core.errors import (
    DecoderCrashedError,
    DecodingTimeoutError,
    NotReadyError,
    QueueFullError,
    ServiceError,
)
from app.core.logging import get_logger
from app.core.settings import LimitSettings
from app.decoding.decoder import DecodedImage, Decoder, DecoderLostError, start_decoder
from app.decoding.messages import DecodeJob, DecodeOptions
from app.decoding.sniffing import find_format

START_TIMEOUT_S = 60.0
IDLE_S = 60.0
ATTEMPTS = 2
RETRY_AFTER_S = 1
PATIENCE = 6
"""Seconds on the clock per second of processor time that an image may take: for what waits and does not work."""

_log = get_logger(__name__)


class Decoders:
    """Decodes uploads outside of this process; lives in one event loop.

    A file that ends a decoder, or does not come to an end in one, costs the request that sent it and no other.

    Args:
        limits: How large an image may be, and how long it may take.
        processes: Most decoders at once.
        max_waiting: Most images that wait for one.
        start: Starts a decoder for images of so many pixels and so much processor time; by default a child process.
        idle_s: How long the last decoders are kept when there is nothing to do.
    """

    def __init__(
        self,
        limits: LimitSettings,
        *,
        processes: int,
        max_waiting: int,
        start: Callable[[int, float], Decoder] = start_decoder,
        idle_s: float = IDLE_S,
    ) -> None:
        self._limits = limits
        self._processes = processes
        self._max_waiting = max_waiting
        self._start = start
        self._idle_s = idle_s
        self._room = asyncio.Semaphore(processes)
        self._waiting = 0
        self._is_closed = False
        self._idle: list[Decoder] = []
        self._tasks: set[asyncio.Task[DecodedImage]] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """Process ids of the decoders that wait for work."""
        return [decoder.pid for decoder in self._idle]

    async def decode(self, data: bytes, options: DecodeOptions) -> DecodedImage:
        """Decode one file.

        A caller that leaves does not stop a decoder that has begun: it is bounded in time as it is.

        Raises:
            UndecodableImageError: If the file is not sound, or of a kind that is not read; or ends decoders.
            ImageTooLargeError: If it has too many pixels.
            QueueFullError: If as many images wait as may.
            NotReadyError: If no decoder can be started.
        """
        job = DecodeJob(find_format(data), options, len(data))
        if self._is_closed:
            raise _no_decoder()
        if self._waiting >= self._max_waiting:
            raise QueueFullError("as many images wait as the service is willing to hold", retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        task = asyncio.get_running_loop().create_task(self._decode_somewhere(job, data))
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # by ``close``: the caller was not
                raise _no_decoder() from None
            raise

    async def decode_all(self, files: Sequence[bytes], options: DecodeOptions, pointer: str) -> list[DecodedImage]:
        """Decode the files of one request, never more at once than there are decoders.

        Args:
            files: The files.
            options: How each becomes pixels.
            pointer: Where they are in the request; an error's ``pointer`` says which of them it is about.

        Raises:
            ServiceError: What ``decode`` raises for any of them; the rest are not decoded then.
        """
        room = asyncio.Semaphore(self._processes)

        async def decode_one(number: int) -> DecodedImage:
            async with room:
                try:
                    return await self.decode(files[number], options)
                except ServiceError as error:
                    error.fields["pointer"] = f"{pointer}/{number}"
                    raise

        tasks = [asyncio.ensure_future(decode_one(number)) for number in range(len(files))]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """End all decoders, those at work with what they have begun."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._end_idle()
        await asyncio.gather(*self._endings)

    async def _decode_somewhere(self, job: DecodeJob, data: bytes) -> DecodedImage:
        for _ in range(ATTEMPTS):
            decoder = await self._take()
            try:
                return await self._use(decoder, job, data)
            except DecoderLostError:
                if await decoder.ran_out_of_time():
                    raise self._give_up(decoder, job) from None
                _log.warning("decoder-crashed", pid=decoder.pid, image_format=job.image_format, num_bytes=len(data))
            except TimeoutError:
                raise self._give_up(decoder, job) from None
        raise DecoderCrashedError(f"the image ended {ATTEMPTS} decoders and is not tried again")

    def _give_up(self, decoder: Decoder, job: DecodeJob) -> DecodingTimeoutError:
        limit_s = self._limits.decoding_s
        _log.warning("decoder-timed-out", pid=decoder.pid, image_format=job.image_format, limit_s=limit_s)
        return DecodingTimeoutError(f"the image was not decoded within {limit_s:g} seconds", limit_s=limit_s)

    async def _use(self, decoder: Decoder, job: DecodeJob, data: bytes) -> DecodedImage:
        """Let a decoder work; it is kept only if it is known to be ready for the next file."""
        is_ready = False
        try:
            async with asyncio.timeout(PATIENCE * self._limits.decoding_s):
                image = await decoder.decode(job, data)
        except ServiceError:
            is_ready = True
            raise
        else:
            is_ready = True
            return image
        finally:
            if is_ready:
                self._idle.append(decoder)
            else:
                self._end(decoder)

    async def _take(self) -> Decoder:
        while self._idle:
            decoder = self._idle.pop()
            if decoder.is_alive:
                return decoder
            self._end(decoder)
        return await self._start_one()

    async def _start_one(self) -> Decoder:
        try:
            decoder = self._start(self._limits.upload_pixels, self._limits.decoding_s)
        except OSError:
            _log.exception("decoder-not-started")
            raise _no_decoder() from None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await decoder.wait_ready()
        except BaseException as error:
            self._end(decoder)
            if isinstance(error, DecoderLostError | TimeoutError):
                _log.exception("decoder-not-started", pid=decoder.pid)
                raise _no_decoder() from None
            raise
        _log.info("decoder-ready", pid=decoder.pid)
        return decoder

    def _finish(self, task: asyncio.Task[DecodedImage]) -> None:
        self._tasks.discard(task)
        self._room.release()
        if not task.cancelled():
            task.exception()  # a caller that left before must not make the loop complain
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._end_idle)

    def _end_idle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle:
            self._end(self._idle.pop())

    def _end(self, decoder: Decoder) -> None:
        task = asyncio.get_running_loop().create_task(decoder.end())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)


def _no_decoder() -> NotReadyError:
    return NotReadyError("the service cannot decode images now", retry_after_s=RETRY_AFTER_S)
