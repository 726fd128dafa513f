"""A real worker child, with a tiny published model."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import structlog.testing
import torch

from app.core.seeds import draw_latents
from app.generators.base import put_channels_last
from app.generators.checkpoint import load_generator
from app.generators.folding import fold_batch_norms
from app.repository.store import ModelRepository
from app.serving.channel import DirectWorkers
from app.serving.engine import Engine
from app.serving.nursery import Nurseries
from app.serving.plan import SamplePlan
from tests.factories import publish_tiny_model
from tests.fakes import make_settings, read_images

BATCH_SIZES = (16, 64)
DEADLINE_S = 60


@contextlib.asynccontextmanager
async def running_engine(root, factory=None, **worker):
    settings = make_settings(root, worker={"batch_sizes": BATCH_SIZES, "threads": 1} | worker)
    engine = Engine(settings, ModelRepository(str(root)), worker_factory=factory)
    async with asyncio.timeout(DEADLINE_S):
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop(grace_s=0)


def make_plan(num_samples, *, seed=1, first_index=0, truncation=1.0):
    return SamplePlan.drawn(
        seed=seed, first_index=first_index, num_samples=num_samples, num_classes=3, truncation=truncation
    )


def compute_directly(root, manifest, plan):
    """Compute samples as the contract says, without any of the serving code, in batches of the smallest size."""
    weights = ModelRepository(str(root)).read_weights(manifest)
    generator = load_generator(manifest, weights)
    fold_batch_norms(generator)
    put_channels_last(generator)
    size = BATCH_SIZES[0]
    padded = -(-plan.num_samples // size) * size
    latents = torch.from_numpy(draw_latents(plan.seed, plan.indices(0, padded), manifest.latent_dim))
    labels = torch.from_numpy(plan.labels(0, padded)).long()
    with torch.inference_mode():
        images = torch.cat(
            [
                generator(latents[start : start + size] * plan.truncation, labels[start : start + size])
                for start in range(0, padded, size)
            ]
        )
    pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()[: plan.num_samples]


class Tally:
    """Counts, and lets others wait for a count."""

    def __init__(self):
        self.count = 0
        self._grew = asyncio.Condition()

    async def add(self, _=None):
        async with self._grew:
            self.count += 1
            self._grew.notify_all()

    async def grow_by(self, more):
        goal = self.count + more
        async with self._grew:
            await self._grew.wait_for(lambda: self.count >= goal)


async def test_samples_equal_a_direct_computation(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    plan = make_plan(100, seed=2**62 + 1, first_index=5, truncation=0.7)

    async with running_engine(tmp_path) as engine:
        images = await read_images(engine.submit(engine.catalog.resolve("tiny"), plan))
        status = engine.status()

    assert np.array_equal(compute_directly(tmp_path, manifest, plan), images)
    assert status.worker.numerics.startswith("torch-")
    assert "cpu" == status.worker.device


@pytest.mark.parametrize("lanes", [1, 2])
async def test_forked_workers_compute_what_workers_compute_that_were_started_alone(tmp_path, lanes):
    publish_tiny_model(tmp_path, height=32, width=32, channels=3)
    plans = [make_plan(100, seed=number) for number in range(4)]
    answers = []

    for factory in (DirectWorkers(), Nurseries()):
        async with running_engine(tmp_path, factory, threads=2, lanes=lanes, slot_bytes=2**20) as engine:
            version = engine.catalog.resolve("tiny")
            streams = [engine.submit(version, plan) for plan in plans]
            answers.append(await asyncio.gather(*map(read_images, streams)))

    assert np.array_equal(*answers)


async def test_ten_kills_in_a_row_cost_no_answer_and_no_pause(tmp_path):
    publish_tiny_model(tmp_path)
    plans = [make_plan(20, seed=number) for number in range(10)]

    with structlog.testing.capture_logs() as lines:
        async with running_engine(tmp_path) as engine:
            version = engine.catalog.resolve("tiny")
            expected = [await read_images(engine.submit(version, plan)) for plan in plans]
            answers = []
            for plan in plans:
                os.kill(engine.status().worker.pid, signal.SIGKILL)
                answers.append(await read_images(engine.submit(version, plan)))
            status = engine.status()

    assert np.array_equal(expected, answers)
    assert (10, 0) == (status.restarts, status.failed)
    assert [0.0] * 10 == [line["delay_s"] for line in lines if line["event"] == "worker-restarting"]


async def test_every_way_to_split_gives_the_same_samples(tmp_path):
    publish_tiny_model(tmp_path)
    rng = np.random.default_rng(0)

    async with running_engine(tmp_path) as engine:
        version = engine.catalog.resolve("tiny")
        whole = await read_images(engine.submit(version, make_plan(300)))
        for _ in range(5):
            cuts = [0, *sorted(rng.choice(np.arange(1, 300), size=9, replace=False).tolist()), 300]
            streams = [
                engine.submit(version, make_plan(stop - start, first_index=start)) for start, stop in pairwise(cuts)
            ]
            parts = await asyncio.gather(*(read_images(stream) for stream in streams))
            assert np.array_equal(whole, np.concatenate(parts))


async def test_killing_the_worker_while_many_ask_costs_no_answer(tmp_path):
    publish_tiny_model(tmp_path)
    plans = [make_plan(200, seed=number) for number in range(32)]

    async with running_engine(tmp_path) as engine:
        version = engine.catalog.resolve("tiny")
        expected = [await read_images(engine.submit(version, plan)) for plan in plans]
        chunks = Tally()
        readers = [asyncio.create_task(read_images(engine.submit(version, plan), chunks.add)) for plan in plans]
        first = engine.status().worker.pid
        await chunks.grow_by(8)
        os.kill(first, signal.SIGKILL)
        answers = await asyncio.gather(*readers)
        status = engine.status()

    assert all(np.array_equal(*pair) for pair in zip(expected, answers, strict=True))
    assert (1, 0) == (status.restarts, status.failed)
    assert first != status.worker.pid


async def test_a_stopped_worker_is_replaced(tmp_path):
    publish_tiny_model(tmp_path)
    plan = make_plan(50)

    async with running_engine(tmp_path, hang_timeout_s=1) as engine:
        version = engine.catalog.resolve("tiny")
        expected = await read_images(engine.submit(version, plan))
        os.kill(engine.status().worker.pid, signal.SIGSTOP)
        images = await read_images(engine.submit(version, plan))
        restarts = engine.status().restarts

    assert np.array_equal(expected, images)
    assert 1 == restarts


async def test_a_stopped_engine_leaves_no_process(tmp_path):
    publish_tiny_model(tmp_path)

    async with running_engine(tmp_path) as engine:
        pid = engine.status().worker.pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_worker_does_not_outlive_its_parent(tmp_path):
    publish_tiny_model(tmp_path)
    program = """
import asyncio, sys
from tests.fakes import make_settings
from app.core.logging import configure_logging
from app.repository.store import ModelRepository
from app.serving.channel import DirectWorkers
from app.serving.engine import Engine
from app.serving.nursery import Nurseries

async def main(root):
    configure_logging(make_settings(root).log)
    engine = Engine(make_settings(root), ModelRepository(root))
    await engine.start()
    print(engine.status().worker.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        str(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    try:
        worker = int(await asyncio.wait_for(parent.stdout.readline(), DEADLINE_S))
        end_of_worker = os.pidfd_open(worker)
    finally:
        parent.kill()
        await parent.wait()

    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(end_of_worker, ended.set)
    await asyncio.wait_for(ended.wait(), DEADLINE_S)
    asyncio.get_running_loop().remove_reader(end_of_worker)
    os.close(end_of_worker)

    assert ended.is_set()


async def test_a_new_version_is_warm_before_the_name_means_it(tmp_path):
    publish_tiny_model(tmp_path)

    async with running_engine(tmp_path) as engine:
        before = engine.catalog.default_version("tiny")
        second = publish_tiny_model(tmp_path, seed=1)
        states = []
        while engine.catalog.default_version("tiny") == before:
            await engine.catalog.refresh()
            states.append(engine.catalog.default_version("tiny"))
        version = engine.catalog.resolve("tiny")
        images = await read_images(engine.submit(version, make_plan(20)))

    assert 2 == version.ref.version
    assert version.is_warm
    assert np.array_equal(compute_directly(tmp_path, second, make_plan(20)), images)


async def test_an_alias_moves_under_load_without_a_failed_stream(tmp_path):
    manifests = [publish_tiny_model(tmp_path, seed=seed) for seed in range(2)]
    plan = make_plan(40)
    expected = {manifest.version: compute_directly(tmp_path, manifest, plan) for manifest in manifests}

    async with running_engine(tmp_path) as engine:
        await engine.catalog.set_alias("tiny", "production", 1)
        answered = set()
        tally = Tally()
        done = asyncio.Event()

        async def ask():
            while not done.is_set():
                version = engine.catalog.resolve("tiny")
                images = await read_images(engine.submit(version, plan))
                assert np.array_equal(expected[version.ref.version], images)
                answered.add(version.ref.version)
                await tally.add()

        askers = [asyncio.create_task(ask()) for _ in range(8)]
        for version in (2, 1, 2):
            await engine.catalog.set_alias("tiny", "production", version)
            await tally.grow_by(10)
        done.set()
        await asyncio.gather(*askers)
        failed = engine.status().failed

    assert {1, 2} == answered
    assert 0 == failed


async def test_an_altered_version_is_never_served(tmp_path):
    publish_tiny_model(tmp_path)
    publish_tiny_model(tmp_path, seed=1)
    weights = tmp_path / "tiny" / "2" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(data)

    async with running_engine(tmp_path) as engine:
        view = engine.catalog.model("tiny")

    assert 1 == view.default_version
    assert "failed" == view.versions[1].state
    assert "SHA-256" in view.versions[1].reason


async def test_evicted_versions_come_back_when_asked_for(tmp_path):
    manifests = [publish_tiny_model(tmp_path, name=f"tiny-{seed}", seed=seed) for seed in range(3)]
    plan = make_plan(20)

    async with running_engine(tmp_path, residency_bytes=2**20) as engine:
        answers = []
        for _ in range(2):
            for manifest in manifests:
                version = engine.catalog.resolve(manifest.name)
                answers.append((manifest, await read_images(engine.submit(version, plan))))

    for manifest, images in answers:
        assert np.array_equal(compute_directly(tmp_path, manifest, plan), images)


async def test_a_model_too_large_for_the_slots_says_so(tmp_path):
    publish_tiny_model(tmp_path, height=128, width=128, channels=3)

    async with running_engine(tmp_path, slot_bytes=65536) as engine:
        version = engine.catalog.model("tiny").versions[0]

    assert "failed" == version.state
    assert "slot_bytes" in version.reason
