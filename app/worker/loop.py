"""The worker's life: read the configuration, open the device, then compute what the service asks for, in order."""

import mmap
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Generator

import numpy as np
import torch

from app.core.heap import give_back_memory, keep_freed_memory
from app.core.logging import configure_logging, take_over_logs
from app.core.settings import LogSettings
from app.repository.store import ModelRepository
from app.schemas.jobs import (
    BatchDone,
    BatchFailed,
    BatchStarted,
    EncodeImages,
    EncodingFailed,
    ImagesEncoded,
    LoadModel,
    ModelFailed,
    ModelLoaded,
    ModelRef,
    SampleBatch,
    Shutdown,
    ToWorker,
    UnloadModel,
    WorkerConfig,
    WorkerReady,
)
from app.worker.control import ControlChannel
from app.worker.device import describe_numerics, open_device, pin_slots
from app.worker.failures import describe_failure
from app.worker.session import Session

_IDLE_S = 2.0
_TRIM_EVERY_S = 30.0


def serve(control_fd: int, memory_fd: int) -> int:
    """Compute until told to stop.

    Args:
        control_fd: This side of the control socket pair.
        memory_fd: File of the pixel buffers.

    Returns:
        Exit status.
    """
    channel = ControlChannel(socket.socket(fileno=control_fd))
    channel.start()
    config = channel.next()
    if not isinstance(config, WorkerConfig):
        return 1
    logs = LogSettings.model_validate({"level": config.log_level, "format": config.log_format})
    configure_logging(logs, process="worker", pid=os.getpid())
    take_over_logs()
    keep_freed_memory()
    device = open_device(config.device, config.threads)
    lanes = config.lanes if device.type == "cpu" else 1
    slots = np.frombuffer(mmap.mmap(memory_fd, 0), dtype=np.uint8).reshape(config.slots, config.slot_bytes)
    pin_slots(slots, device)
    session = Session(
        ModelRepository(config.repository_url),
        device=device,
        slots=slots,
        batch_sizes=config.batch_sizes,
        residency_bytes=config.residency_bytes,
        numerics=config.numerics,
    )
    channel.send(WorkerReady(os.getpid(), str(device), config.threads, lanes, describe_numerics(device)))
    Lanes(channel, session, count=lanes, threads=config.threads // lanes).run()
    return 0


class Lanes:
    """Loops side by side, each with threads of its own: two batches on a core each are done sooner than one on both.

    Args:
        channel: Where work comes from.
        session: What computes it.
        count: How many.
        threads: Compute threads of each.
    """

    def __init__(self, channel: ControlChannel, session: Session, *, count: int, threads: int) -> None:
        self._channel = channel
        self._session = session
        self._threads = threads
        self._others = [threading.Thread(target=self._work, name=f"lane-{number}") for number in range(1, count)]
        self._error: BaseException | None = None

    def run(self) -> None:
        """Work until ``Shutdown``.

        Raises:
            BaseException: What ended a lane: the device can only be brought back by a new process.
        """
        for thread in self._others:
            thread.start()
        self._work()
        for thread in self._others:
            thread.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        torch.set_num_threads(self._threads)  # which each thread has its own number of
        try:
            Loop(self._channel, self._session).run()
        except BaseException as error:  # noqa: BLE001 - raised in the first thread
            self._error = error
        finally:
            self._channel.put_back(Shutdown())  # for the next lane


class Loop:
    """Does the service's work: batches as they come, and steps of loading between them.

    Args:
        channel: Where work comes from.
        session: What computes it.
    """

    def __init__(self, channel: ControlChannel, session: Session) -> None:
        self._channel = channel
        self._session = session
        self._loads: deque[tuple[ModelRef, Generator[None, None, ModelLoaded]]] = deque()
        self._trim_at = time.monotonic() + _TRIM_EVERY_S

    def run(self) -> None:
        """Work until ``Shutdown``."""
        while True:
            message = self._next()
            if isinstance(message, Shutdown):
                return
            if message is not None:
                self._handle(message)
            if self._loads:
                self._load_on()
            if time.monotonic() >= self._trim_at:
                self._trim()

    def _next(self) -> ToWorker | None:
        if self._loads:
            return self._channel.next(wait_s=0)
        message = self._channel.next(wait_s=_IDLE_S)
        if message is None:
            self._trim()
            message = self._channel.next()
        return message

    def _trim(self) -> None:
        """Give back what is free: batches of every size leave gaps that add up, also while there is no rest."""
        give_back_memory()
        self._trim_at = time.monotonic() + _TRIM_EVERY_S

    def _handle(self, message: ToWorker) -> None:
        if isinstance(message, SampleBatch):
            self._compute(message)
        elif isinstance(message, EncodeImages):
            self._encode(message)
        elif isinstance(message, LoadModel):
            self._loads.append((message.model, self._session.load(message.model)))
        elif isinstance(message, UnloadModel):
            self._session.unload(message.model)

    def _compute(self, batch: SampleBatch) -> None:
        self._channel.send(BatchStarted(batch.batch_id))
        began = time.perf_counter()
        try:
            refused = self._session.sample(batch)
        except Exception as error:  # noqa: BLE001 - whatever a batch raises, the worker lives on for the others
            failure = describe_failure(error)
            self._channel.send(BatchFailed(batch.batch_id, failure.code, failure.detail, failure.fields))
        else:
            self._channel.send(BatchDone(batch.batch_id, time.perf_counter() - began, refused))

    def _encode(self, job: EncodeImages) -> None:
        began = time.perf_counter()
        try:
            latents = self._session.encode(job)
        except Exception as error:  # noqa: BLE001 - whatever a job raises, the worker lives on for the others
            failure = describe_failure(error)
            self._channel.send(EncodingFailed(job.job_id, failure.code, failure.detail, failure.fields))
        else:
            seconds = time.perf_counter() - began
            self._channel.send(ImagesEncoded(job.job_id, latents.astype("<f4").tobytes(), seconds))

    def _load_on(self) -> None:
        model, steps = self._loads[0]
        try:
            next(steps)
        except StopIteration as end:
            self._loads.popleft()
            self._channel.send(end.value)
        except Exception as error:  # noqa: BLE001 - whatever a version raises, the others are served
            self._loads.popleft()
            self._session.unload(model)
            failure = describe_failure(error)
            self._channel.send(ModelFailed(model, failure.code, failure.detail, failure.fields))
