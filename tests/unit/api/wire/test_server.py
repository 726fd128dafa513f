import asyncio
import gc
import queue
import threading

import pytest

from app.api.wire import server
from app.api.wire.server import _freeze_heap, _tidy_heap


@pytest.fixture
def thawed():
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
def test_collections_leave_out_what_the_start_made():
    kept = ["made at the start"]
    assert any(thing is kept for thing in gc.get_objects())

    _freeze_heap()

    assert not any(thing is kept for thing in gc.get_objects())


async def test_memory_is_given_back_again_and_again_beside_the_loop(monkeypatch):
    threads = queue.SimpleQueue()
    monkeypatch.setattr(server, "give_back_memory", lambda: threads.put(threading.get_ident()))
    monkeypatch.setattr(server, "_TIDY_EVERY_S", 0.0)

    task = asyncio.create_task(_tidy_heap())
    ran_in = [await asyncio.to_thread(threads.get, timeout=5) for _ in range(3)]
    task.cancel()

    assert threading.get_ident() not in ran_in
