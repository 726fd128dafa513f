import asyncio
import contextlib
import shutil

import numpy as np
import pytest

from app.core.errors import (
    ConfigurationError,
    DeadlineExceededError,
    NoEncoderError,
    NotReadyError,
    PoisonRequestError,
    QueueFullError,
    VersionNotFoundError,
    WorkerError,
    WorkerLostError,
)
from app.schemas.jobs import BatchDone, BatchFailed, BatchStarted, Pong
from app.serving.admission import Terms
from app.serving.plan import SamplePlan
from tests.drafts import publish_draft
from tests.fakes import FAKE_BUILD, FakeWorkers, fake_images, fake_latents, make_engine, read_images


@contextlib.asynccontextmanager
async def running_engine(root, workers=None, **sections):
    engine = make_engine(root, workers, **sections)
    async with asyncio.timeout(60):
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop(grace_s=0)


def make_plan(num_samples=3, *, seed=1, first_index=0):
    return SamplePlan.drawn(seed=seed, first_index=first_index, num_samples=num_samples, num_classes=2)


async def test_samples_are_those_of_the_plan(tmp_path):
    manifest = publish_draft(tmp_path)
    plan = make_plan(50, seed=7, first_index=3)

    async with running_engine(tmp_path) as engine:
        stream = engine.submit(engine.catalog.resolve("tiny"), plan)
        images = await read_images(stream)

    assert np.array_equal(fake_images(manifest, plan), images)


async def test_chunks_carry_the_labels_of_their_samples(tmp_path):
    publish_draft(tmp_path)
    plan = SamplePlan.of_counts([(0, 10), (1, 25)], seed=1, first_index=0, num_classes=2)

    async with running_engine(tmp_path) as engine:
        chunks = [chunk async for chunk in engine.submit(engine.catalog.resolve("tiny"), plan)]

    assert [0] * 10 + [1] * 25 == np.concatenate([chunk.labels for chunk in chunks]).tolist()


async def test_many_requests_at_once_each_get_their_own_samples(tmp_path):
    manifest = publish_draft(tmp_path)
    plans = [make_plan(1 + 7 * number, seed=number) for number in range(12)]

    async with running_engine(tmp_path) as engine:
        version = engine.catalog.resolve("tiny")
        answers = await asyncio.gather(*(read_images(engine.submit(version, plan)) for plan in plans))

    assert all(np.array_equal(fake_images(manifest, plan), images) for plan, images in zip(plans, answers, strict=True))


async def test_requests_that_arrive_together_share_a_batch(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers) as engine:
        version = engine.catalog.resolve("tiny")
        await asyncio.gather(*(read_images(engine.submit(version, make_plan(1, seed=seed))) for seed in range(3)))

    assert [3] == [len(batch.runs) for batch in workers.batches]


async def test_a_lost_worker_costs_no_answer(tmp_path):
    manifest = publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.hold()
    plans = [make_plan(60, seed=number) for number in range(3)]

    async with running_engine(tmp_path, workers) as engine:
        version = engine.catalog.resolve("tiny")
        readers = [asyncio.create_task(read_images(engine.submit(version, plan))) for plan in plans]
        await workers.wait_for(lambda: bool(workers.batches))
        workers.kill()
        workers.release()
        answers = await asyncio.gather(*readers)

    assert 2 == len(workers.configs)
    assert all(np.array_equal(fake_images(manifest, plan), images) for plan, images in zip(plans, answers, strict=True))


async def test_a_request_that_kills_two_workers_is_refused_and_the_others_answered(tmp_path):
    manifest = publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.kills_on = lambda batch: any(run.seed == 666 for run in batch.runs)
    innocent = make_plan(1, seed=1)

    async with running_engine(tmp_path, workers) as engine:
        version = engine.catalog.resolve("tiny")
        poison = engine.submit(version, make_plan(1, seed=666))
        other = engine.submit(version, innocent)
        images = await read_images(other)
        with pytest.raises(PoisonRequestError):
            await read_images(poison)
        restarts = engine.status().restarts

    assert np.array_equal(fake_images(manifest, innocent), images)
    assert 2 == restarts


async def test_a_failed_batch_fails_its_requests_with_the_workers_reason(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.fail_batches("out-of-device-memory", "the device is full")

    async with running_engine(tmp_path, workers) as engine:
        stream = engine.submit(engine.catalog.resolve("tiny"), make_plan(1))
        with pytest.raises(WorkerError, match="the device is full"):
            await read_images(stream)
        failed = engine.status().failed

    assert 1 == failed


async def test_a_full_queue_refuses_with_an_estimate(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.hold()

    async with running_engine(tmp_path, workers, queue={"requests": 2}) as engine:
        version = engine.catalog.resolve("tiny")
        for _ in range(2):
            engine.submit(version, make_plan(100))
        with pytest.raises(QueueFullError) as caught:
            engine.submit(version, make_plan(1))
        refused = engine.status().refused

    assert 1 <= caught.value.fields["retry_after_s"]
    assert 1 == refused


async def test_what_is_not_begun_in_time_is_dropped_and_what_was_begun_is_not(tmp_path):
    manifest = publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.hold()
    begun = make_plan(100, seed=1)

    async with running_engine(tmp_path, workers, queue={"wait_s": 0.05, "window_batches": 1}) as engine:
        version = engine.catalog.resolve("tiny")
        streams = [engine.submit(version, begun, terms=engine.agree("key"))]
        await workers.wait_for(lambda: bool(workers.batches))
        streams += [engine.submit(version, make_plan(16, seed=seed), terms=engine.agree("key")) for seed in range(2, 8)]
        with pytest.raises(DeadlineExceededError):
            await read_images(streams[-1])
        workers.release()
        images = await read_images(streams[0])
        overdue = engine.status().overdue

    assert np.array_equal(fake_images(manifest, begun), images)
    assert 1 <= overdue <= 6


async def test_images_whose_time_is_over_are_not_encoded(tmp_path):
    publish_draft(tmp_path, parts=["generator", "encoder"])

    async with running_engine(tmp_path) as engine:
        version = engine.catalog.resolve("tiny")
        with pytest.raises(DeadlineExceededError):
            await engine.encode(version, np.zeros((1, 8, 8, 1), np.uint8), None, Terms("key", 0.0))


async def test_closing_a_stream_cancels_what_was_not_sent(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.hold()

    async with running_engine(tmp_path, workers) as engine:
        stream = engine.submit(engine.catalog.resolve("tiny"), make_plan(1000))
        await workers.wait_for(lambda: bool(workers.batches))
        await stream.aclose()
        await stream.aclose()
        workers.release()
        await workers.wait_for(lambda: engine.status().batches_in_flight == 0)
        status = engine.status()

    assert 2 == len(workers.batches)
    assert (1, 0, 0) == (status.cancelled, status.queued_streams, status.queued_samples)


async def test_nothing_is_computed_beyond_the_readers_window(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, queue={"window_batches": 2}) as engine:
        stream = engine.submit(engine.catalog.resolve("tiny"), make_plan(160))
        await workers.wait_for(lambda: engine.status().samples == 32)
        before = len(workers.batches)
        await anext(stream)
        await workers.wait_for(lambda: engine.status().samples == 48)

        assert 2 == before
        assert 112 == engine.status().queued_samples
        await stream.aclose()


async def test_a_finished_stream_tells_its_times_and_is_not_cancelled_by_closing(tmp_path):
    publish_draft(tmp_path)

    async with running_engine(tmp_path) as engine:
        stream = engine.submit(engine.catalog.resolve("tiny"), make_plan(32))
        await read_images(stream)
        await stream.aclose()
        cancelled = engine.status().cancelled

    assert 0 <= stream.queue_s < 10
    assert pytest.approx(0.002) == stream.device_s
    assert 0 == cancelled


async def test_exchangeable_samples_are_handed_out_once(tmp_path):
    publish_draft(tmp_path)

    async with running_engine(tmp_path) as engine:
        version = engine.catalog.resolve("tiny")
        first = engine.next_exchangeable(version, 5)
        second = engine.next_exchangeable(version, 1)

    assert (first[0], 5) == second
    assert 0 == first[1]


async def test_the_status_says_what_happened(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers) as engine:
        await read_images(engine.submit(engine.catalog.resolve("tiny"), make_plan(20)))
        status = engine.status()

    assert status.is_ready
    assert FAKE_BUILD == status.worker.numerics
    assert {16: 1, 4: 1} == status.batches
    assert 20 == status.samples
    assert 0 == status.batches_in_flight


async def test_a_version_that_nothing_points_to_is_loaded_by_its_first_request(tmp_path):
    publish_draft(tmp_path)
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers) as engine:
        async with asyncio.timeout(60):
            while (old := engine.catalog.version("tiny", 1)).state != "ready":
                await engine.catalog.refresh()
        before = [ref.version for ref in workers.loads]
        await read_images(engine.submit(old, make_plan(1)))
        loaded = engine.catalog.version("tiny", 1).loaded

    assert [2] == before
    assert [2, 1] == [ref.version for ref in workers.loads]
    assert (4, 16) == loaded.batch_sizes


async def test_a_version_that_cannot_be_loaded_fails_the_requests_that_wait_for_it(tmp_path):
    publish_draft(tmp_path)
    publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.fail_model("tiny", 1, "unsupported-architecture", "no such architecture")

    async with running_engine(tmp_path, workers) as engine:
        async with asyncio.timeout(60):
            while (old := engine.catalog.version("tiny", 1)).state != "ready":
                await engine.catalog.refresh()
        with pytest.raises(Exception, match="no such architecture"):
            await read_images(engine.submit(old, make_plan(1)))
        with pytest.raises(VersionNotFoundError):
            await read_images(engine.submit(old, make_plan(1)))
        with pytest.raises(VersionNotFoundError, match="no such architecture"):
            engine.catalog.resolve("tiny@1")


async def test_a_removed_version_is_forgotten_when_its_last_request_is_done(tmp_path):
    publish_draft(tmp_path)
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers) as engine:
        newest = engine.catalog.resolve("tiny")
        await engine.catalog.refresh()
        await engine.catalog.warm(engine.catalog.resolve("tiny@1").ref)
        workers.hold()
        stream = engine.submit(newest, make_plan(100))
        await workers.wait_for(lambda: bool(workers.batches))
        engine.catalog._repository.remove("tiny", 2)
        await engine.catalog.refresh()
        during = list(workers.unloads)
        default = engine.catalog.default_version("tiny")
        workers.present._manifests[newest.ref] = newest.manifest
        workers.release()
        await read_images(stream)
        await workers.wait_for(lambda: bool(workers.unloads))

    assert [] == during
    assert 1 == default
    assert [newest.ref] == workers.unloads


async def test_a_stopping_engine_finishes_what_it_admitted_and_takes_no_more(tmp_path):
    manifest = publish_draft(tmp_path)
    plan = make_plan(40)
    engine = make_engine(tmp_path)
    await engine.start()
    version = engine.catalog.resolve("tiny")
    reader = asyncio.create_task(read_images(engine.submit(version, plan)))
    await asyncio.wait_for(engine.stop(grace_s=5), 10)

    images = await reader

    assert np.array_equal(fake_images(manifest, plan), images)
    assert not engine.is_ready
    with pytest.raises(NotReadyError):
        engine.submit(version, plan)


async def test_a_stopping_engine_gives_up_after_its_grace(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()
    workers.hold()
    engine = make_engine(tmp_path, workers, http={"shutdown_grace_s": 0})
    await engine.start()
    stream = engine.submit(engine.catalog.resolve("tiny"), make_plan(1))

    await asyncio.wait_for(engine.stop(), 10)

    with pytest.raises(NotReadyError):
        await anext(stream)


async def test_an_engine_without_a_worker_does_not_start(tmp_path):
    workers = FakeWorkers()
    workers.refuses_start = True
    engine = make_engine(tmp_path, workers, worker={"start_timeout_s": 1})

    with pytest.raises(WorkerLostError):
        await asyncio.wait_for(engine.start(), 10)


async def test_requests_wait_for_a_worker_within_bounds_only(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, worker={"start_timeout_s": 1}) as engine:
        version = engine.catalog.resolve("tiny")
        workers.refuses_start = True
        workers.kill()
        stream = engine.submit(version, make_plan(1))
        with pytest.raises(WorkerLostError):
            await read_images(stream)
        with pytest.raises(NotReadyError):
            engine.submit(version, make_plan(1))
        assert not engine.is_ready
        workers.refuses_start = False
        await workers.wait_for(lambda: engine.status().worker is not None)
        await read_images(engine.submit(version, make_plan(1)))


async def test_a_mute_worker_is_replaced(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, worker={"hang_timeout_s": 1}) as engine:
        version = engine.catalog.resolve("tiny")
        workers.is_mute = True
        stream = engine.submit(version, make_plan(1))
        first = workers.present
        await asyncio.wait_for(first.wait(), 10)
        workers.is_mute = False
        workers.present.step_soon()
        await read_images(stream)

    assert 2 == len(workers.configs)


@pytest.mark.parametrize("sizes", [(), (0, 16), (16, 4), (4, 4)])
async def test_batch_sizes_must_ascend(tmp_path, sizes):
    with pytest.raises(ConfigurationError, match="ascending"):
        make_engine(tmp_path, worker={"batch_sizes": sizes})


async def test_a_removed_version_that_a_caller_still_holds_can_be_asked_for(tmp_path):
    publish_draft(tmp_path)
    manifest = publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers) as engine:
        held = engine.catalog.resolve("tiny")
        await read_images(engine.submit(held, make_plan(1)))
        engine.catalog._repository.remove("tiny", 2)
        await engine.catalog.refresh()
        await workers.wait_for(lambda: bool(workers.unloads))
        images = await read_images(engine.submit(held, make_plan(2)))

    assert np.array_equal(fake_images(manifest, make_plan(2)), images)


async def test_stray_answers_are_ignored(tmp_path):
    publish_draft(tmp_path)

    async with running_engine(tmp_path) as engine:
        for message in (BatchStarted(99), BatchDone(99, 0.1), BatchFailed(99, "worker-failed", "no", {}), Pong(1)):
            engine._dispatcher.worker_said(message)
        await read_images(engine.submit(engine.catalog.resolve("tiny"), make_plan(1)))
        status = engine.status()

    assert (1, 0) == (status.samples, status.failed)


async def test_a_version_is_retired_while_there_is_no_worker(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers) as engine:
        ref = engine.catalog.resolve("tiny").ref
        workers.refuses_start = True
        workers.kill()
        await workers.wait_for(lambda: engine.status().worker is None)
        engine._dispatcher.retire(ref)

    assert [] == workers.unloads


IMAGES = np.random.default_rng(0).integers(0, 256, size=(3, 8, 8, 1), dtype=np.uint8)
LABELS = np.array([1, 0, 1], dtype=np.int32)


def publish_coder(root):
    return publish_draft(root, "coder", parts=["generator", "encoder"])


async def test_images_are_encoded_by_the_worker(tmp_path):
    manifest = publish_coder(tmp_path)

    async with running_engine(tmp_path) as engine:
        latents = await engine.encode(engine.catalog.resolve("coder"), IMAGES, LABELS)

    assert np.array_equal(fake_latents(manifest, IMAGES, LABELS), latents)


async def test_a_version_without_an_encoder_is_not_asked(tmp_path):
    publish_draft(tmp_path)

    async with running_engine(tmp_path) as engine:
        with pytest.raises(NoEncoderError):
            await engine.encode(engine.catalog.resolve("tiny"), IMAGES, None)


async def test_encoding_fails_with_the_workers_reason(tmp_path):
    publish_coder(tmp_path)
    workers = FakeWorkers()
    workers.failing_encodings = ("worker-failed", "no such luck")

    async with running_engine(tmp_path, workers) as engine:
        with pytest.raises(WorkerError, match="no such luck"):
            await engine.encode(engine.catalog.resolve("coder"), IMAGES, LABELS)


async def test_images_that_kill_two_workers_are_refused(tmp_path):
    publish_coder(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers) as engine:
        workers.kills_on_encoding = True
        with pytest.raises(PoisonRequestError):
            await engine.encode(engine.catalog.resolve("coder"), IMAGES, LABELS)


async def test_finished_samples_are_those_of_the_seed_that_is_told(tmp_path):
    manifest = publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, pool={"samples": 32}) as engine:
        version = engine.catalog.resolve("tiny")
        await read_images(engine.submit(version, make_plan()))
        assert None is engine.take_ready(version, None, 1)
        await workers.wait_for(lambda: len(workers.batches) > 2)
        ready = [await take_ready(engine, version, count) for count in (1, 5)]

    assert [0, 1] == [one.plan.first_index for one in ready]
    for one in ready:
        assert np.array_equal(fake_images(manifest, one.plan), one.chunk.images)


async def take_ready(engine, version, count):
    """Take samples as soon as they are finished; reading one that has a seed lets the worker get on."""
    async with asyncio.timeout(60):
        while (ready := engine.take_ready(version, None, count)) is None:
            await read_images(engine.submit(version, make_plan(1)))
    return ready


async def test_finished_samples_keep_nobody_from_stopping(tmp_path):
    publish_draft(tmp_path)

    async with running_engine(tmp_path, pool={"samples": 32}) as engine:
        version = engine.catalog.resolve("tiny")
        await read_images(engine.submit(version, make_plan()))
        engine.take_ready(version, None, 1)
        assert (0, 0) == (engine.status().queued_streams, engine.status().queued_samples)
        async with asyncio.timeout(10):
            await engine.stop(grace_s=60)

    with pytest.raises(NotReadyError):
        engine.take_ready(version, None, 1)


async def test_finished_samples_of_a_version_that_is_gone_are_dropped(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, pool={"samples": 32}) as engine:
        version = engine.catalog.resolve("tiny")
        await read_images(engine.submit(version, make_plan()))
        engine.take_ready(version, None, 1)
        shutil.rmtree(tmp_path / "tiny")
        await engine.catalog.refresh()
        await workers.wait_for(lambda: workers.unloads)

        assert [version.ref] == workers.unloads
        assert None is engine.take_ready(version, None, 1)


async def test_a_stock_survives_the_worker(tmp_path):
    manifest = publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, pool={"samples": 64}) as engine:
        version = engine.catalog.resolve("tiny")
        await read_images(engine.submit(version, make_plan()))
        workers.hold()
        engine.take_ready(version, None, 1)
        await workers.wait_for(lambda: len(workers.batches) > 1)
        workers.kill()
        workers.release()
        ready = await take_ready(engine, version, 64)

    assert np.array_equal(fake_images(manifest, ready.plan), ready.chunk.images)


async def test_batches_say_which_smaller_sizes_make_the_same_samples(tmp_path):
    publish_draft(tmp_path)
    workers = FakeWorkers()

    async with running_engine(tmp_path, workers, worker={"batch_sizes": (4, 8, 16)}) as engine:
        await read_images(engine.submit(engine.catalog.resolve("tiny"), make_plan(20)))

    assert [(16, (8, 4)), (4, ())] == [(batch.batch_size, batch.smaller_sizes) for batch in workers.batches]


async def test_fifty_moves_of_an_alias_fail_nobody_and_mix_nothing(tmp_path):
    plan = make_plan(40)
    expected = {
        manifest.version: fake_images(manifest, plan) for manifest in (publish_draft(tmp_path), publish_draft(tmp_path))
    }
    answers = []
    is_over = False

    async def ask(engine):
        while not is_over:
            version = engine.catalog.resolve("tiny@production")
            answers.append((version.ref.version, await read_images(engine.submit(version, plan))))

    async with running_engine(tmp_path) as engine:
        await engine.catalog.set_alias("tiny", "production", 1)
        askers = [asyncio.create_task(ask(engine)) for _ in range(4)]
        for number in range(50):
            await engine.catalog.set_alias("tiny", "production", 2 - number % 2)
        is_over = True
        await asyncio.gather(*askers)
        failed = engine.status().failed

    assert {1, 2} == {version for version, _ in answers}
    assert all(np.array_equal(expected[version], images) for version, images in answers)
    assert 0 == failed
