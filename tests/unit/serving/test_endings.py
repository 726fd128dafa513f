import asyncio
import signal

import pytest

from app.serving.configuring import worker_config
from app.serving.endings import name_end
from app.serving.supervisor import Supervisor
from tests.fakes import FakeClock, FakeWorkers, make_settings


class Deaf:
    """Is told, and does nothing."""

    def worker_ready(self, worker):
        pass

    def worker_said(self, message):
        pass

    def worker_lost(self):
        pass

    def worker_missing(self):
        pass


@pytest.mark.parametrize(
    ("status", "name"),
    [(None, "killed"), (-signal.SIGKILL, "killed"), (-signal.SIGSEGV, "crashed"), (0, "exited"), (1, "exited")],
)
def test_an_end_is_named_by_its_status(status, name):
    assert name == name_end(status)


async def wait_until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the state is another's, which rings no bell
            await asyncio.sleep(0.01)


@pytest.fixture
async def supervise():
    """Starts a supervisor of fake workers with these time limits; stopped when the test ends."""
    started = []

    async def start(workers, clock, **limits):
        settings = make_settings("models", worker=limits)
        config = worker_config(settings, "models")
        supervisor = Supervisor(config, settings.worker, factory=workers, events=Deaf(), clock=clock)
        supervisor.start()
        started.append(supervisor)
        return supervisor

    yield start
    for supervisor in started:
        await supervisor.stop()


async def test_workers_that_die_are_counted_by_how_and_one_that_is_stopped_is_not(supervise):
    workers = FakeWorkers()
    supervisor = await supervise(workers, FakeClock())
    await wait_until(lambda: supervisor.ready)

    workers.kill()
    await wait_until(lambda: supervisor.ready and supervisor.restarts == 1)
    await supervisor.stop()

    assert {"killed": 1} == supervisor.ends


async def test_workers_that_do_not_start_are_counted(supervise):
    workers = FakeWorkers()
    workers.refuses_start = True

    supervisor = await supervise(workers, FakeClock())

    await wait_until(lambda: supervisor.ends)
    assert {"not-started"} == set(supervisor.ends)


async def test_workers_that_are_never_ready_are_counted(supervise):
    workers, clock = FakeWorkers(), FakeClock()
    workers.is_mute = True
    supervisor = await supervise(workers, clock, start_timeout_s=1)
    await wait_until(lambda: workers.present)

    clock.now += 2
    await wait_until(lambda: supervisor.ends)

    assert {"start-timed-out"} == set(supervisor.ends)


async def test_workers_that_hang_are_counted(supervise):
    workers, clock = FakeWorkers(), FakeClock()
    supervisor = await supervise(workers, clock, hang_timeout_s=1)
    await wait_until(lambda: supervisor.ready)

    workers.is_mute = True
    while not supervisor.ends:
        clock.now += 1
        await asyncio.sleep(0.05)

    assert {"hung"} == set(supervisor.ends)
