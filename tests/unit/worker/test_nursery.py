"""The nursery's side of a birth, without a fork: a program stands for the worker."""

import contextlib
import errno
import os
import socket
import subprocess
import threading

import pytest

from app.schemas.births import (
    MAX_PACKET_BYTES,
    BearWorker,
    NurseryReady,
    WorkerBorn,
    WorkerDied,
    WorkerStillborn,
    read_report,
    write_packet,
)
from app.worker.nursery import _Nursery

DEADLINE_S = 60


class Service:
    """The other side of the socket pair."""

    def __init__(self, connection):
        self._connection = connection

    def ask(self, number, *descriptors):
        socket.send_fds(self._connection, [write_packet(BearWorker(number))], descriptors)

    def hear(self):
        packet, descriptors, _, _ = socket.recv_fds(self._connection, MAX_PACKET_BYTES, 1)
        for descriptor in descriptors:
            os.close(descriptor)
        return read_report(packet), len(descriptors)


@pytest.fixture
def descriptors():
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


@pytest.fixture
def service():
    """A service whose nursery runs in a thread; it ends when the service is gone."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(DEADLINE_S)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(_Nursery(theirs).run()))
    with theirs:
        with ours:
            thread.start()
            service = Service(ours)
            assert (NurseryReady(), 0) == service.hear()
            yield service
        thread.join(DEADLINE_S)
    assert [None] == answers


@pytest.fixture
def program(monkeypatch):
    """A program that a fork seems to give."""
    with subprocess.Popen(["sleep", "600"]) as process:
        monkeypatch.setattr(os, "fork", lambda: process.pid)
        yield process
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def fail(*_):
    raise BlockingIOError(errno.EAGAIN, "no process")


def test_a_worker_is_announced_with_its_process_and_its_end(service, program, descriptors):
    service.ask(7, *descriptors)
    birth = service.hear()
    program.kill()
    death = service.hear()

    assert (WorkerBorn(7, program.pid), 1) == birth
    assert (WorkerDied(7, -9), 0) == death


def test_a_fork_that_fails_is_told(service, monkeypatch, descriptors):
    monkeypatch.setattr(os, "fork", fail)

    service.ask(1, *descriptors)

    assert (WorkerStillborn(1, errno.EAGAIN), 0) == service.hear()


def test_a_birth_without_its_descriptors_is_told(service, descriptors):
    service.ask(1, descriptors[0])

    assert (WorkerStillborn(1, errno.EMFILE), 0) == service.hear()


def test_a_worker_that_cannot_be_watched_does_not_live(service, program, monkeypatch, descriptors):
    monkeypatch.setattr(os, "pidfd_open", fail)

    service.ask(1, *descriptors)
    report = service.hear()

    assert (WorkerStillborn(1, errno.EAGAIN), 0) == report
    with pytest.raises(ProcessLookupError):
        os.kill(program.pid, 0)
