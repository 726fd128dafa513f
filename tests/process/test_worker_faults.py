"""A request that ends its worker from below costs whoever sent it, and nobody else."""

import asyncio
import contextlib
import signal
import sys

import numpy as np
import pytest
import structlog.testing

from app.core.errors import PoisonRequestError
from app.repository.store import ModelRepository
from app.serving.engine import Engine
from app.serving.plan import SamplePlan
from tests.factories import publish_tiny_model
from tests.fakes import make_settings, read_images
from tests.process.misbehaving_worker import ABORTS, WRITES_TO_NOWHERE

DEADLINE_S = 60
LIVENESS_S = 1.0
PROGRAM = """#!{python}
import os, sys
options = sys.argv[sys.argv.index("app.worker") + 1 :]
os.execv({python!r}, [{python!r}, "-m", "tests.process.misbehaving_worker", *options])
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


@contextlib.asynccontextmanager
async def running_engine(root):
    engine = Engine(make_settings(root, pool={"samples": 0}), ModelRepository(str(root)))
    async with asyncio.timeout(DEADLINE_S):
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop(grace_s=0)


class Canary:
    """Measures for how long the event loop does not come to its turn."""

    def __init__(self):
        self.worst_s = 0.0

    async def sing(self):
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            self.worst_s = max(self.worst_s, loop.time() - before)


def make_plan(seed):
    return SamplePlan.drawn(seed=seed, first_index=0, num_samples=40, num_classes=3)


@pytest.mark.parametrize(
    ("seed", "ending"), [(WRITES_TO_NOWHERE, signal.SIGSEGV), (ABORTS, signal.SIGABRT)], ids=["segfault", "abort"]
)
async def test_a_request_that_ends_two_workers_is_refused_and_all_others_are_answered(tmp_path, program, seed, ending):
    root = tmp_path / "models"
    publish_tiny_model(root)
    plans = [make_plan(number) for number in range(8)]
    canary = Canary()

    with structlog.testing.capture_logs() as lines:
        async with running_engine(root) as engine:
            version = engine.catalog.resolve("tiny")
            expected = [await read_images(engine.submit(version, plan)) for plan in plans]
            singing = asyncio.create_task(canary.sing())
            poison = asyncio.create_task(read_images(engine.submit(version, make_plan(seed))))
            answers = await asyncio.gather(*(read_images(engine.submit(version, plan)) for plan in plans))
            with pytest.raises(PoisonRequestError):
                await poison
            singing.cancel()
            failed = engine.status().failed

    assert all(np.array_equal(*pair) for pair in zip(expected, answers, strict=True))
    assert 1 == failed
    assert [-ending] * 2 + [0] == [line["status"] for line in lines if line["event"] == "worker-ended"]
    assert canary.worst_s < LIVENESS_S
