import asyncio
import contextlib

import numpy as np
import pytest

from app.core.errors import ModelUnhealthyError, PoisonRequestError, VersionNotFoundError
from app.core.settings import HealthSettings
from app.repository.store import ModelRepository
from app.schemas.jobs import ModelRef
from app.serving.health import Health
from app.serving.plan import SamplePlan
from tests.drafts import publish_draft
from tests.fakes import FakeClock, FakeWorkers, fake_images, make_engine, read_images

DIGITS = ModelRef("digits", 1, "d" * 64)
FACES = ModelRef("faces", 1, "f" * 64)


def make_health(clock=None, **settings):
    return Health(HealthSettings(**settings), clock or FakeClock())


def make_plan(num_samples=3, *, seed=1):
    return SamplePlan.drawn(seed=seed, first_index=0, num_samples=num_samples, num_classes=2)


def test_some_batches_that_nobody_should_see_are_enough():
    health = make_health(unhealthy_batches=3)

    assert [None, None] == [health.add_unhealthy(DIGITS, "all alike") for _ in range(2)]
    assert None is health.add_unhealthy(FACES, "all alike")
    assert "all alike (3 batches)" == health.add_unhealthy(DIGITS, "all alike")


def test_batches_of_other_classes_do_not_make_up_for_them():
    health = make_health(unhealthy_batches=2)
    health.add_unhealthy(DIGITS, "all alike")

    health.add_success(DIGITS)

    assert None is not health.add_unhealthy(DIGITS, "all alike")


def test_deaths_in_a_row_are_enough():
    health = make_health(crashes=3)

    reasons = [health.add_crash(DIGITS) for _ in range(3)]

    assert [None, None, "workers die of it (3 requests, two workers each)"] == reasons


def test_a_batch_between_two_deaths_clears_a_version():
    health = make_health(crashes=2)

    for _ in range(300):
        assert None is health.add_crash(DIGITS)
        health.add_success(DIGITS)


def test_a_batch_of_another_version_does_not():
    health = make_health(crashes=2)
    health.add_crash(DIGITS)

    health.add_success(FACES)

    assert None is not health.add_crash(DIGITS)


def test_deaths_long_ago_do_not_count():
    clock = FakeClock()
    health = make_health(clock, crashes=2, window_s=60)
    health.add_crash(DIGITS)

    clock.now += 61

    assert None is health.add_crash(DIGITS)


def test_a_version_that_is_forgotten_begins_anew():
    health = make_health(crashes=1, unhealthy_batches=2)
    health.add_unhealthy(DIGITS, "all alike")

    health.forget(DIGITS)

    assert None is health.add_unhealthy(DIGITS, "all alike")


@contextlib.asynccontextmanager
async def running_engine(root, workers, **sections):
    engine = make_engine(root, workers, **sections)
    async with asyncio.timeout(60):
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop(grace_s=0)


async def spoil(engine, reference="tiny", *, times=3):
    """Ask for samples of an unhealthy version, as often as it takes."""
    for seed in range(times):
        with pytest.raises(ModelUnhealthyError):
            await read_images(engine.submit(await engine.catalog.obtain(reference), make_plan(seed=seed)))


@pytest.fixture
def three(tmp_path):
    """Three versions; production pointed to 1, then to 2, and does to 3."""
    manifests = [publish_draft(tmp_path, seed=seed) for seed in range(3)]
    repository = ModelRepository(str(tmp_path))
    for version in (1, 2, 3):
        repository.set_alias("tiny", "production", version)
    repository.set_alias("tiny", "stable", 2)
    return manifests


async def test_after_some_bad_batches_the_version_before_answers(tmp_path, three):
    workers = FakeWorkers()
    workers.unhealthy_versions = {3}
    aliases = (tmp_path / "tiny" / "aliases.json").read_bytes()

    async with running_engine(tmp_path, workers) as engine:
        await spoil(engine)
        served = [engine.catalog.resolve(reference) for reference in ("tiny", "tiny@production", "tiny@stable")]
        images = await read_images(engine.submit(served[0], make_plan()))
        view = engine.catalog.model("tiny")
        with pytest.raises(VersionNotFoundError, match="all alike"):
            engine.catalog.resolve("tiny@3")

    assert [2, 2, 2] == [version.ref.version for version in served]
    assert np.array_equal(fake_images(three[1], make_plan()), images)
    assert ("failed", "the images are all alike (3 batches)") == (view.versions[2].state, view.versions[2].reason)
    assert "production should be version 3: the images are all alike (3 batches)" == view.reason
    assert aliases == (tmp_path / "tiny" / "aliases.json").read_bytes()


async def test_fewer_bad_batches_are_errors_and_no_more(tmp_path, three):
    workers = FakeWorkers()
    workers.unhealthy_versions = {3}

    async with running_engine(tmp_path, workers) as engine:
        await spoil(engine, times=2)
        version = engine.catalog.resolve("tiny").ref.version

    assert 3 == version


async def test_one_bad_version_after_the_other_goes(tmp_path, three):
    workers = FakeWorkers()
    workers.unhealthy_versions = {2, 3}

    async with running_engine(tmp_path, workers, health={"unhealthy_batches": 1}) as engine:
        await spoil(engine, times=2)
        left = (await engine.catalog.obtain("tiny")).ref.version
        workers.unhealthy_versions.add(1)
        await spoil(engine, times=1)
        with pytest.raises(VersionNotFoundError, match="all alike"):
            engine.catalog.resolve("tiny")

    assert 1 == left


async def test_without_aliases_the_newest_healthy_version_answers(tmp_path):
    for seed in range(3):
        publish_draft(tmp_path, seed=seed)
    workers = FakeWorkers()
    workers.unhealthy_versions = {3}

    async with running_engine(tmp_path, workers) as engine:
        await spoil(engine)
        version = (await engine.catalog.obtain("tiny")).ref.version

    assert 2 == version


async def test_an_ejected_version_ends_what_waits_for_it_and_is_forgotten(tmp_path, three):
    workers = FakeWorkers()
    workers.unhealthy_versions = {3}

    async with running_engine(tmp_path, workers, health={"unhealthy_batches": 1}) as engine:
        held = engine.catalog.resolve("tiny")
        streams = [engine.submit(held, make_plan(100, seed=seed)) for seed in range(5)]
        for stream in streams:
            with pytest.raises(ModelUnhealthyError):
                await read_images(stream)
        with pytest.raises(ModelUnhealthyError):
            engine.submit(held, make_plan())
        await workers.wait_for(lambda: bool(workers.unloads))

    assert [held.ref] == workers.unloads


async def test_an_ejected_version_stays_away_when_the_repository_changes(tmp_path, three):
    workers = FakeWorkers()
    workers.unhealthy_versions = {3}

    async with running_engine(tmp_path, workers, health={"unhealthy_batches": 1}) as engine:
        await spoil(engine, times=1)
        ModelRepository(str(tmp_path)).set_alias("tiny", "newest", 3)
        await engine.catalog.refresh()
        versions = [engine.catalog.resolve(reference).ref.version for reference in ("tiny", "tiny@newest")]
        loads = [ref.version for ref in workers.loads]

    assert [2, 2] == versions
    assert 1 == loads.count(3)


async def test_an_operator_gets_an_ejected_version_back_by_promoting_it(tmp_path, three):
    workers = FakeWorkers()
    workers.unhealthy_versions = {3}

    async with running_engine(tmp_path, workers, health={"unhealthy_batches": 1}) as engine:
        await spoil(engine, times=1)
        workers.unhealthy_versions.clear()
        await engine.catalog.set_alias("tiny", "production", 3)
        version = engine.catalog.resolve("tiny")
        images = await read_images(engine.submit(version, make_plan()))
        reason = engine.catalog.model("tiny").reason

    assert (3, None) == (version.ref.version, reason)
    assert np.array_equal(fake_images(three[2], make_plan()), images)


async def test_a_version_whose_requests_end_workers_one_after_the_other_goes(tmp_path, three, monkeypatch):
    monkeypatch.setattr("app.serving.supervisor.FIRST_DELAY_S", 0.001)
    monkeypatch.setattr("app.serving.supervisor.MAX_DELAY_S", 0.01)
    workers = FakeWorkers()
    workers.kills_on = lambda batch: batch.model.version == 3

    async with running_engine(tmp_path, workers) as engine:
        for seed in range(3):
            with pytest.raises(PoisonRequestError):
                await read_images(engine.submit(engine.catalog.resolve("tiny"), make_plan(seed=seed)))
        version = engine.catalog.resolve("tiny")
        images = await read_images(engine.submit(version, make_plan()))
        reason = engine.catalog.version("tiny", 3).reason

    assert 2 == version.ref.version
    assert np.array_equal(fake_images(three[1], make_plan()), images)
    assert "workers die of it (3 requests, two workers each)" == reason


async def test_a_poisonous_request_is_not_held_against_its_version(tmp_path, three, monkeypatch):
    monkeypatch.setattr("app.serving.supervisor.FIRST_DELAY_S", 0.001)
    monkeypatch.setattr("app.serving.supervisor.MAX_DELAY_S", 0.01)
    workers = FakeWorkers()
    workers.kills_on = lambda batch: any(run.seed == 666 for run in batch.runs)

    async with running_engine(tmp_path, workers, health={"crashes": 2}) as engine:
        for _ in range(4):
            with pytest.raises(PoisonRequestError):
                await read_images(engine.submit(engine.catalog.resolve("tiny"), make_plan(seed=666)))
            await read_images(engine.submit(engine.catalog.resolve("tiny"), make_plan()))
        version = engine.catalog.resolve("tiny").ref.version

    assert 3 == version


async def test_a_worker_that_is_killed_under_load_is_not_held_against_a_version(tmp_path, three, monkeypatch):
    monkeypatch.setattr("app.serving.supervisor.FIRST_DELAY_S", 0.001)
    monkeypatch.setattr("app.serving.supervisor.MAX_DELAY_S", 0.001)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, health={"crashes": 1}) as engine:
        version = engine.catalog.resolve("tiny")
        for number in range(40):
            workers.hold()
            before = len(workers.batches)
            stream = asyncio.create_task(read_images(engine.submit(version, make_plan(60, seed=number))))
            await workers.wait_for(lambda seen=before: len(workers.batches) > seen)
            workers.kill()
            workers.release()
            await stream
        failed, state = engine.status().failed, engine.catalog.version("tiny", 3).state

    assert (0, "ready") == (failed, state)


async def test_a_version_that_ends_workers_while_it_is_loaded_is_not_tried_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("app.serving.supervisor.FIRST_DELAY_S", 0.001)
    monkeypatch.setattr("app.serving.supervisor.MAX_DELAY_S", 0.01)
    publish_draft(tmp_path)
    publish_draft(tmp_path, seed=1)
    workers = FakeWorkers()
    workers.kills_on_load = lambda model: model.version == 2

    async with running_engine(tmp_path, workers) as engine:
        version = engine.catalog.resolve("tiny").ref.version
        publish_draft(tmp_path, "other")
        await engine.catalog.refresh()
        loads = [ref.version for ref in workers.loads if ref.name == "tiny"]
        reason = engine.catalog.version("tiny", 2).reason

    assert 1 == version
    assert 3 == loads.count(2)
    assert "the worker died again and again while it loaded this version" == reason


async def test_reserves_of_an_ejected_version_are_dropped(tmp_path, three):
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, pool={"samples": 32}, health={"unhealthy_batches": 1}) as engine:
        version = engine.catalog.resolve("tiny")
        await read_images(engine.submit(version, make_plan()))
        engine.take_ready(version, None, 1)
        workers.unhealthy_versions = {3}
        await spoil(engine, times=1)
        await workers.wait_for(lambda: bool(workers.unloads))
        in_flight = engine.status().queued_streams

    assert ([version.ref], 0) == (workers.unloads, in_flight)
