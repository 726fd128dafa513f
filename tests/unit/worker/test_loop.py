import queue
import threading
from collections import deque

import numpy as np
import pytest
import torch

from app.core.errors import OutOfDeviceMemoryError
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
    UnloadModel,
)
from app.worker import loop
from app.worker.loop import Lanes, Loop

MODEL = ModelRef("digits", 1, "d" * 64)


class FakeChannel:
    """Messages in, messages out; a worker that would wait for ever has lost its way."""

    def __init__(self, *messages):
        self.inbox = deque(messages)
        self.sent = []

    def next(self, *, wait_s=None):
        if self.inbox:
            return self.inbox.popleft()
        assert wait_s is not None
        return None

    def send(self, message):
        self.sent.append(message)


class FakeSession:
    """Loads in three steps; fails where it is told to."""

    def __init__(self, *, batch_error=None, load_error=None, encode_error=None):
        self.batch_error = batch_error
        self.load_error = load_error
        self.encode_error = encode_error
        self.unloaded = []

    def load(self, model):
        yield
        yield
        if self.load_error is not None:
            raise self.load_error
        return ModelLoaded(model, (16,), 1, 4, 0.1)

    def unload(self, model):
        self.unloaded.append(model)

    def sample(self, _):
        if self.batch_error is not None:
            raise self.batch_error
        return ()

    def encode(self, _):
        if self.encode_error is not None:
            raise self.encode_error
        return np.array([[1.0, 2.0]], dtype=np.float32)


class ShuttingDown(FakeChannel):
    """Tells to stop once nothing else is left to do and so many answers were sent."""

    def __init__(self, *messages, answers):
        super().__init__(*messages)
        self.answers = answers

    def next(self, *, wait_s=None):
        if not self.inbox and len(self.sent) >= self.answers:
            return Shutdown()
        return super().next(wait_s=wait_s)


def make_batch(batch_id=1):
    return SampleBatch(batch_id, MODEL, 0, 16, (), b"")


def kinds(channel):
    return [type(message) for message in channel.sent]


def test_a_batch_is_announced_and_answered():
    channel = FakeChannel(make_batch(), Shutdown())

    Loop(channel, FakeSession()).run()

    assert [BatchStarted, BatchDone] == kinds(channel)


def test_batches_sent_before_the_end_are_computed():
    channel = FakeChannel(make_batch(1), make_batch(2), Shutdown())

    Loop(channel, FakeSession()).run()

    assert [1, 2] == [message.batch_id for message in channel.sent if isinstance(message, BatchDone)]


def test_batches_go_between_the_steps_of_a_load():
    channel = ShuttingDown(LoadModel(MODEL), make_batch(1), make_batch(2), answers=5)

    Loop(channel, FakeSession()).run()

    assert [BatchStarted, BatchDone, BatchStarted, BatchDone, ModelLoaded] == kinds(channel)


def test_a_failed_load_is_told_and_forgotten():
    channel = ShuttingDown(LoadModel(MODEL), answers=1)
    session = FakeSession(load_error=OutOfDeviceMemoryError("too large", limit=4))

    Loop(channel, session).run()

    assert [ModelFailed(MODEL, "out-of-device-memory", "too large", {"limit": 4})] == channel.sent
    assert [MODEL] == session.unloaded


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfDeviceMemoryError("too large"), "out-of-device-memory"),
        (MemoryError(), "out-of-device-memory"),
        (torch.OutOfMemoryError(), "out-of-device-memory"),
        (RuntimeError("CUDA error: out of memory"), "out-of-device-memory"),
        (ZeroDivisionError("secret"), "worker-failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_failed_batch_is_told_and_the_next_one_computed(error, code):
    channel = FakeChannel(make_batch(), make_batch(), Shutdown())

    Loop(channel, FakeSession(batch_error=error)).run()

    assert [BatchStarted, BatchFailed] * 2 == kinds(channel)
    assert code == channel.sent[1].code
    assert "secret" not in channel.sent[1].detail


BROKEN_DEVICES = [
    torch.AcceleratorError("device-side assert"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
]


@pytest.mark.parametrize("error", BROKEN_DEVICES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", ["batch_error", "encode_error", "load_error"])
def test_a_broken_device_ends_the_process(error, place):
    channel = FakeChannel(EncodeImages(4, MODEL, b"", b""), LoadModel(MODEL), make_batch(), None, None, Shutdown())

    with pytest.raises(type(error), match=str(error)):
        Loop(channel, FakeSession(**{place: error})).run()


def test_a_version_is_forgotten_when_told():
    session = FakeSession()

    Loop(FakeChannel(UnloadModel(MODEL), Shutdown()), session).run()

    assert [MODEL] == session.unloaded


def test_encoded_images_are_answered_with_their_latents():
    channel = FakeChannel(EncodeImages(4, MODEL, b"", b""), Shutdown())

    Loop(channel, FakeSession()).run()

    (answer,) = channel.sent
    assert isinstance(answer, ImagesEncoded)
    assert (4, [1.0, 2.0]) == (answer.job_id, np.frombuffer(answer.latents, dtype="<f4").tolist())


def test_images_that_cannot_be_encoded_are_told_and_the_worker_goes_on():
    channel = FakeChannel(EncodeImages(4, MODEL, b"", b""), make_batch(), Shutdown())

    Loop(channel, FakeSession(encode_error=ZeroDivisionError("secret"))).run()

    assert [EncodingFailed, BatchStarted, BatchDone] == kinds(channel)
    assert "secret" not in channel.sent[0].detail


def test_memory_is_given_back_once_there_has_been_nothing_to_do(monkeypatch):
    given_back = []
    monkeypatch.setattr(loop, "give_back_memory", lambda: given_back.append(True))
    pause = [None, make_batch(), None, Shutdown()]
    channel = FakeChannel(*pause)

    Loop(channel, FakeSession()).run()

    assert [True, True] == given_back
    assert [BatchStarted, BatchDone] == kinds(channel)


@pytest.mark.parametrize(("every_s", "times"), [(0.0, 2), (3600.0, 0)])
def test_memory_is_given_back_from_time_to_time_while_there_is_no_rest(monkeypatch, every_s, times):
    given_back = []
    monkeypatch.setattr(loop, "give_back_memory", lambda: given_back.append(True))
    monkeypatch.setattr(loop, "_TRIM_EVERY_S", every_s)

    Loop(FakeChannel(make_batch(), make_batch(), Shutdown()), FakeSession()).run()

    assert times == len(given_back)


class QueueChannel:
    """Messages that several lanes wait for."""

    def __init__(self):
        self.inbox = queue.SimpleQueue()
        self.sent = queue.SimpleQueue()
        self.send = self.sent.put
        self.put_back = self.inbox.put

    def next(self, *, wait_s=None):
        try:
            return self.inbox.get(timeout=wait_s) if wait_s != 0 else self.inbox.get_nowait()
        except queue.Empty:
            return None

    def received(self):
        return [self.sent.get_nowait() for _ in range(self.sent.qsize())]


class MeetingSession(FakeSession):
    """Computes a batch only when another is computed at the same time."""

    def __init__(self):
        super().__init__()
        self.barrier = threading.Barrier(2, timeout=30)

    def sample(self, _):
        self.barrier.wait()
        return ()


def test_lanes_compute_batches_at_once():
    channel = QueueChannel()
    for message in (make_batch(1), make_batch(2), make_batch(3), make_batch(4), Shutdown()):
        channel.inbox.put(message)

    Lanes(channel, MeetingSession(), count=2, threads=1).run()

    assert {1, 2, 3, 4} == {message.batch_id for message in channel.received() if isinstance(message, BatchDone)}


def test_what_ends_one_lane_ends_all():
    channel = QueueChannel()
    channel.inbox.put(make_batch())

    with pytest.raises(torch.AcceleratorError, match="device-side"):
        Lanes(channel, FakeSession(batch_error=torch.AcceleratorError("device-side assert")), count=3, threads=1).run()
