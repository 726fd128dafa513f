import asyncio
import contextlib

import pytest
import structlog.testing

from app.schemas.jobs import LoadModel, ModelRef, Ping
from app.serving.configuring import worker_config
from app.serving.supervisor import Supervisor, choose_delay
from tests.fakes import FakeClock, FakeWorkers, make_settings


class Events:
    """Notes what the supervisor tells."""

    def __init__(self):
        self.told = []
        self._changed = asyncio.Event()

    def _note(self, what):
        self.told.append(what)
        self._changed.set()

    def worker_ready(self, worker):
        self.worker = worker
        self._note("ready")

    def worker_said(self, _):
        self._note("said")

    def worker_lost(self):
        self._note("lost")

    def worker_missing(self):
        self._note("missing")

    async def wait_for(self, what, count=1):
        async with asyncio.timeout(60):
            while self.told.count(what) < count:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def workers():
    return FakeWorkers()


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def clock():
    return FakeClock(0.0)


def delays(lines):
    return [line["delay_s"] for line in lines if line["event"] == "worker-restarting"]


@contextlib.asynccontextmanager
async def supervising(workers, events, clock, **limits):
    settings = make_settings("models", worker=limits)
    supervisor = Supervisor(
        worker_config(settings, "models"), settings.worker, factory=workers, events=events, clock=clock
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        await asyncio.wait_for(supervisor.stop(), 10)


async def test_a_worker_is_started_and_ended(workers, events, clock):
    async with supervising(workers, events, clock) as supervisor:
        await events.wait_for("ready")
        pid = supervisor.ready.pid

    assert workers.present.pid == pid
    assert ["ready", "lost"] == events.told
    assert supervisor.ready is None
    assert 0 == supervisor.restarts


async def test_pauses_between_restarts_grow_until_a_worker_stays_healthy(workers, events, clock):
    with structlog.testing.capture_logs() as lines:
        async with supervising(workers, events, clock):
            for count in (1, 2, 3):
                await events.wait_for("ready", count)
                clock.now += 10 if count == 3 else 0
                workers.kill()
            await events.wait_for("ready", 4)

    assert [0.1, 0.2, 0.0] == delays(lines)


async def test_workers_that_computed_something_are_replaced_at_once_however_often_they_die(workers, events, clock):
    with structlog.testing.capture_logs() as lines:
        async with supervising(workers, events, clock):
            for count in range(1, 11):
                await events.wait_for("ready", count)
                events.worker.send(LoadModel(ModelRef("tiny", 1, "d")))
                await events.wait_for("said", count)
                workers.kill()
            await events.wait_for("ready", 11)

    assert [0.0] * 10 == delays(lines)


async def test_pongs_are_no_work(workers, events, clock):
    with structlog.testing.capture_logs() as lines:
        async with supervising(workers, events, clock):
            await events.wait_for("ready")
            events.worker.send(Ping(1))
            events.worker.send(LoadModel(ModelRef("tiny", 1, "d")))
            workers.fail_model("tiny", 1)
            await events.wait_for("said")
            workers.kill()
            await events.wait_for("ready", 2)

    assert [0.1] == delays(lines)


async def test_a_worker_that_cannot_be_started_is_tried_again_later(workers, events, clock):
    workers.refuses_start = True

    with structlog.testing.capture_logs() as lines:
        async with supervising(workers, events, clock):
            await workers.wait_for(lambda: len(delays(lines)) == 2)
            workers.refuses_start = False
            await events.wait_for("ready")

    assert [0.1, 0.2] == delays(lines)[:2]


@pytest.mark.parametrize(
    ("failures", "delay_s"), [(0, 0.0), (1, 0.1), (2, 0.2), (3, 0.4), (6, 3.2), (7, 5.0), (10**6, 5.0)]
)
def test_delays_double_up_to_a_bound(failures, delay_s):
    assert delay_s == choose_delay(failures)


async def test_what_workers_are_made_with_is_put_away_in_the_end(workers, events, clock, monkeypatch):
    closed = []

    async def close():
        closed.append(supervisor.ready)

    monkeypatch.setattr(workers, "close", close)
    async with supervising(workers, events, clock) as supervisor:
        await events.wait_for("ready")

    assert [None] == closed


async def test_a_worker_that_never_says_it_is_ready_is_replaced(workers, events, clock):
    workers.is_mute = True

    async with supervising(workers, events, clock, start_timeout_s=1):
        await workers.wait_for(lambda: len(workers.configs) == 1)
        clock.now += 2
        await events.wait_for("missing")
        workers.is_mute = False
        await events.wait_for("ready")

    assert ["missing", "ready", "lost"] == events.told
    assert len(workers.configs) > 1


async def test_a_worker_that_dies_before_it_is_ready_is_replaced(workers, events, clock):
    workers.is_mute = True

    async with supervising(workers, events, clock):
        await workers.wait_for(lambda: len(workers.configs) == 1)
        workers.is_mute = False
        workers.kill()
        await events.wait_for("ready")

    assert ["ready", "lost"] == events.told
    assert 2 == len(workers.configs)


async def test_stopping_does_not_wait_for_a_start(workers, events, clock):
    workers.is_mute = True

    async with supervising(workers, events, clock):
        await workers.wait_for(lambda: len(workers.configs) == 1)

    assert [] == events.told


async def test_a_supervisor_that_was_not_started_can_be_stopped(workers, events, clock):
    settings = make_settings("models")
    supervisor = Supervisor(
        worker_config(settings, "models"), settings.worker, factory=workers, events=events, clock=clock
    )

    await supervisor.stop()

    assert [] == events.told
