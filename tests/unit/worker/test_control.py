import socket

import pytest

from app.schemas.frames import encode_frame, read_from_worker
from app.schemas.jobs import LoadModel, ModelRef, Ping, Pong, Shutdown
from app.worker.control import ORPHANED_STATUS, ControlChannel

MODEL = ModelRef("digits", 1, "d" * 64)


@pytest.fixture
def sockets():
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    with ours, theirs:
        yield ours, theirs


def test_pings_are_answered_and_work_is_queued(sockets):
    ours, theirs = sockets
    statuses = []
    channel = ControlChannel(theirs, statuses.append)
    ours.sendall(encode_frame(LoadModel(MODEL)) + encode_frame(Ping(7)) + encode_frame(Shutdown()))

    channel.start()
    answer = read_from_worker().feed(ours.recv(1000))
    work = [channel.next(), channel.next()]
    ours.shutdown(socket.SHUT_WR)
    channel.join()

    assert [Pong(7)] == answer
    assert [LoadModel(MODEL), Shutdown()] == work
    assert channel.next(wait_s=0) is None


@pytest.mark.parametrize("last_words", [b"", b"\xff\xff\xff\xff"], ids=["end", "nonsense"])
def test_without_a_service_the_process_ends(sockets, last_words):
    ours, theirs = sockets
    statuses = []
    channel = ControlChannel(theirs, statuses.append)
    ours.sendall(last_words)
    ours.shutdown(socket.SHUT_WR)

    channel.start()
    channel.join()

    assert [ORPHANED_STATUS] == statuses
