"""Workers that are forked from a real nursery, and what happens to them when it fails."""

import asyncio
import contextlib
import ctypes
import errno
import os
import resource
import signal
import sys
from pathlib import Path

import pytest
import structlog.testing

from app.schemas.jobs import Pong, Shutdown, WorkerReady
from app.serving import nursery
from app.serving.channel import DirectWorkers
from app.serving.configuring import worker_config
from app.serving.nursery import Nurseries, Offspring, create_workers
from app.serving.supervisor import Supervisor
from tests.fakes import make_settings

DEADLINE_S = 60
PR_SET_CHILD_SUBREAPER = 36
IGNORED = {signal.SIGINT, signal.SIGTERM}


class Listener:
    def __init__(self):
        self.messages = []
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()

    def receive(self, message):
        self.messages.append(message)
        if isinstance(message, WorkerReady):
            self.ready.set()

    def lost(self):
        self.gone.set()
        self.ready.set()


class Events:
    """Notes the workers that were ready."""

    def __init__(self):
        self.ready = asyncio.Event()

    def worker_ready(self, _):
        self.ready.set()

    def worker_said(self, message):
        assert isinstance(message, Pong)

    def worker_lost(self):
        pass

    def worker_missing(self):
        pass


@pytest.fixture
def config(tmp_path):
    return worker_config(make_settings(tmp_path), str(tmp_path))


class Started(Nurseries):
    """Remembers its workers, so that all can be waited for."""

    def __init__(self):
        super().__init__()
        self.workers = []

    async def __call__(self, config, listener):
        self.workers.append(await super().__call__(config, listener))
        return self.workers[-1]

    async def close(self):
        async with asyncio.timeout(DEADLINE_S):
            await super().close()
            for worker in self.workers:
                await worker.wait()


@pytest.fixture
async def nurseries():
    nurseries = Started()
    yield nurseries
    await nurseries.close()


@pytest.fixture
def adoption():
    """What the first process of a container has: orphans become its children."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


async def start(nurseries, config):
    """Start a worker, and wait until it takes work; None where it came to nothing."""
    listener = Listener()
    worker = await nurseries(config, listener)
    worker.send(config)
    async with asyncio.timeout(DEADLINE_S):
        await listener.ready.wait()
        while listener.messages and worker.pid is None:  # noqa: ASYNC110 - it may speak before its birth is told
            await asyncio.sleep(0.001)
    return worker if listener.messages else None


async def end(worker):
    worker.kill()
    async with asyncio.timeout(DEADLINE_S):
        await worker.wait()


def read_status(pid, field):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{field}:"))


def ignored_signals(pid):
    mask = int(read_status(pid, "SigIgn"), 16)
    return {number for number in IGNORED if mask >> (number - 1) & 1}


def count_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def has_ended(pid):
    """Whether a process is gone, or only waits for a parent that may never ask."""
    try:
        return read_status(pid, "State") == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def exists(pid):
    return Path(f"/proc/{pid}").exists()


def read_core_limits(pid):
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    [limits] = [line.split()[4:6] for line in lines if line.startswith("Max core file size")]
    return limits


def read_expendability(pid):
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


async def test_the_nursery_stays_alone_in_its_process_and_forks_again(nurseries, config):
    first = await start(nurseries, config)
    await end(first)
    second = await start(nurseries, config)

    assert int(read_status(second.pid, "PPid")) == nurseries._nursery.pid
    assert first.pid != second.pid
    assert 1 == int(read_status(nurseries._nursery.pid, "Threads"))


async def test_processes_ignore_the_services_signals_and_leave_no_cores(nurseries, config):
    worker = await start(nurseries, config)

    for pid in (nurseries._nursery.pid, worker.pid):
        assert ["0", "0"] == read_core_limits(pid)
        assert IGNORED == ignored_signals(pid)


async def test_the_worker_is_ended_first_when_memory_runs_out(nurseries, config):
    worker = await start(nurseries, config)

    assert read_expendability("self") < read_expendability(nurseries._nursery.pid) < read_expendability(worker.pid)


@pytest.mark.parametrize("status", [0, -signal.SIGKILL, -signal.SIGSEGV])
async def test_the_log_says_how_a_worker_ended_and_it_is_reaped(nurseries, config, status):
    worker = await start(nurseries, config)
    with structlog.testing.capture_logs() as lines:
        if status:
            os.kill(worker.pid, -status)
        else:
            worker.send(Shutdown())
        async with asyncio.timeout(DEADLINE_S):
            await worker.wait()

    assert [(worker.pid, status)] == [
        (line["pid"], line["status"]) for line in lines if line["event"] == "worker-ended"
    ]
    assert not exists(worker.pid)


async def test_a_nursery_that_is_killed_takes_its_worker_along_and_is_replaced(nurseries, config):
    worker = await start(nurseries, config)
    nursery_pid = nurseries._nursery.pid
    os.kill(nursery_pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        await worker.wait()
    again = await start(nurseries, config)

    assert has_ended(worker.pid)
    assert not exists(nursery_pid)
    assert nursery_pid != nurseries._nursery.pid
    assert again is not None


async def test_a_worker_without_a_nursery_is_reaped_where_orphans_are_ours(nurseries, config, adoption):
    worker = await start(nurseries, config)
    os.kill(nurseries._nursery.pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        await worker.wait()

    assert not exists(worker.pid)


async def test_a_nursery_that_hangs_is_killed_and_replaced(nurseries, config, monkeypatch):
    monkeypatch.setattr(nursery, "BIRTH_TIMEOUT_S", 1.0)
    monkeypatch.setattr(nursery, "STATUS_TIMEOUT_S", 0.1)
    worker = await start(nurseries, config)
    hung = nurseries._nursery
    os.kill(hung.pid, signal.SIGSTOP)
    await end(worker)

    assert await start(nurseries, config) is None
    assert await start(nurseries, config) is not None
    await hung.wait()
    assert not exists(hung.pid)


async def test_a_worker_that_is_not_born_yet_can_be_ended(nurseries, config):
    worker = await nurseries(config, Listener())

    await end(worker)

    assert worker.pid is None
    assert await start(nurseries, config) is not None


async def test_a_worker_that_ends_before_its_birth_is_told_costs_no_nursery(nurseries, config, monkeypatch):
    really = Offspring.born
    born = asyncio.Event()

    def be_told_late(offspring, pid, process):
        os.kill(pid, signal.SIGKILL)
        asyncio.get_running_loop().call_later(0.2, really, offspring, pid, process)
        born.set()

    await start(nurseries, config)
    nursery_pid = nurseries._nursery.pid
    monkeypatch.setattr(Offspring, "born", be_told_late)
    worker = await nurseries(config, Listener())
    async with asyncio.timeout(DEADLINE_S):
        await born.wait()
        await worker.wait()
    monkeypatch.undo()

    assert await start(nurseries, config) is not None
    assert nursery_pid == nurseries._nursery.pid


async def test_births_leave_no_descriptors_behind(nurseries, config):
    counts = []
    for _ in range(2):
        await end(await start(nurseries, config))
        nurseries.workers.clear()  # whoever holds a worker holds its pixels
        counts.append(count_descriptors())

    assert counts[0] == counts[1]


async def test_nothing_is_left_behind_where_descriptors_run_out(config):
    nurseries = Started()
    before = count_descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    tries = 0
    try:
        for room in range(12):
            resource.setrlimit(resource.RLIMIT_NOFILE, (before + room, hard))
            with contextlib.suppress(OSError):
                worker = await nurseries(config, Listener())
                break
            tries += 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await end(worker)
    await nurseries.close()
    nurseries.workers.clear()
    del worker

    assert tries > 2
    assert before == count_descriptors()


async def test_a_start_that_fails_is_tried_again(tmp_path, config, monkeypatch):
    failures = [OSError(errno.EAGAIN, "no process"), OSError(errno.EMFILE, "no descriptor")]
    really = nursery._start

    def start_late(*arguments):
        if failures:
            raise failures.pop()
        return really(*arguments)

    monkeypatch.setattr(nursery, "_start", start_late)
    events = Events()
    supervisor = Supervisor(
        config,
        make_settings(tmp_path).worker,
        factory=Nurseries(),
        events=events,
        clock=asyncio.get_running_loop().time,
    )
    supervisor.start()
    try:
        async with asyncio.timeout(DEADLINE_S):
            await events.ready.wait()
    finally:
        await supervisor.stop()

    assert [] == failures
    assert 2 == supervisor.restarts


@pytest.mark.parametrize(
    "packet", [b"nonsense", b"\x82\xa4type\xa4born\xa6number\x00\xa3pid\x01"], ids=["words", "who"]
)
async def test_a_nursery_that_talks_nonsense_is_ended(tmp_path, config, monkeypatch, packet):
    program = tmp_path / "nursery"
    program.write_text(
        f"#!{sys.executable}\nimport os, signal, sys\n"
        f'os.write(int(sys.argv[sys.argv.index("--nursery-fd") + 1]), {packet})\nsignal.pause()\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    nurseries = Started()

    assert await start(nurseries, config) is None
    assert nurseries._nursery.is_lost
    await nurseries.close()


@pytest.mark.parametrize(("platform", "kind"), [("linux", Nurseries), ("darwin", DirectWorkers)])
def test_workers_are_forked_only_where_libraries_stand_it(monkeypatch, platform, kind):
    monkeypatch.setattr(sys, "platform", platform)

    assert isinstance(create_workers(), kind)
