"""The parent's end of a worker, with children that misbehave."""

import asyncio
import contextlib
import gc
import os
import sys
from pathlib import Path

import pytest

from app.schemas.frames import encode_frame
from app.schemas.jobs import Pong
from app.serving import channel
from app.serving.channel import DirectWorkers
from app.serving.configuring import worker_config
from tests.fakes import make_settings

PROGRAM = """#!{python}
import os, sys
control = int(sys.argv[sys.argv.index("--control-fd") + 1])
os.write(control, {said})
while {stays}:
    os.read(control, 1000)
"""
PONG = encode_frame(Pong(1))


class Listener:
    def __init__(self):
        self.messages = []
        self.gone = asyncio.Event()

    def receive(self, message):
        self.messages.append(message)

    def lost(self):
        self.gone.set()


def has_pixels():
    return "fount-pixels" in Path("/proc/self/maps").read_text()


def count_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def config(tmp_path):
    return worker_config(make_settings(tmp_path), str(tmp_path))


@pytest.mark.parametrize(
    ("said", "stays", "messages"),
    [
        (b"\xff" * 8, True, 0),
        (PONG + b"\x04\x00\x00\x00what", True, 0),
        (PONG + PONG[:-1], False, 1),
        (PONG + b"\x00", False, 1),
    ],
    ids=["oversized", "no message", "cut short", "cut in the length"],
)
async def test_a_child_whose_frames_are_broken_is_ended(tmp_path, monkeypatch, config, said, stays, messages):
    program = tmp_path / "worker"
    program.write_text(PROGRAM.format(python=sys.executable, said=said, stays=stays))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    listener = Listener()

    worker = await DirectWorkers()(config, listener)
    async with asyncio.timeout(60):
        await worker.wait()

    assert [Pong(1)] * messages == listener.messages
    assert listener.gone.is_set()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    worker.send(config)
    worker.kill()


async def test_the_memory_of_a_child_that_is_gone_is_given_back(tmp_path, monkeypatch, config):
    program = tmp_path / "worker"
    program.write_text(PROGRAM.format(python=sys.executable, said=b"", stays=True))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    worker = await DirectWorkers()(config, Listener())
    was_mapped = has_pixels()

    gc.disable()
    try:
        worker.kill()
        async with asyncio.timeout(60):
            await worker.wait()

        assert was_mapped
        assert not has_pixels()
    finally:
        gc.enable()


async def test_a_child_that_cannot_be_started_leaves_nothing_behind(tmp_path, monkeypatch, config):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    before = count_descriptors()

    with pytest.raises(FileNotFoundError):
        await DirectWorkers()(config, Listener())

    assert before == count_descriptors()


def test_without_memfd_the_pixels_lie_in_a_file_without_a_name(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")

    memory = channel._create_memory(4096)
    with contextlib.closing(os.fdopen(memory, "rb")) as file:
        facts = os.fstat(file.fileno())

    assert (4096, 0) == (facts.st_size, facts.st_nlink)
