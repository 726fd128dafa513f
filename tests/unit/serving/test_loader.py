import asyncio

import pytest

from app.core.errors import NotReadyError, UnsupportedArchitectureError, WorkerError
from app.schemas.jobs import ModelFailed, ModelLoaded, ModelRef
from app.serving.loader import Loader

DIGITS = ModelRef("digits", 1, "d" * 64)
FACES = ModelRef("faces", 1, "f" * 64)


def loaded(model):
    return ModelLoaded(model, (16,), 1, 4, 0.1)


async def begin(loader, model):
    task = asyncio.ensure_future(loader.load(model))
    await asyncio.wait([task], timeout=0)
    return task


async def test_versions_are_loaded_one_at_a_time():
    sent = []
    loader = Loader()
    first, second = await begin(loader, DIGITS), await begin(loader, FACES)

    loader.worker_ready(lambda message: sent.append(message.model))
    before = list(sent)
    loader.finish(loaded(DIGITS))
    loader.finish(loaded(FACES))

    assert [DIGITS] == before
    assert [DIGITS, FACES] == sent
    assert [DIGITS, FACES] == [(await first).model, (await second).model]


async def test_two_callers_share_a_load():
    sent = []
    loader = Loader()
    loader.worker_ready(lambda message: sent.append(message.model))
    first, second = await begin(loader, DIGITS), await begin(loader, DIGITS)

    loader.finish(loaded(DIGITS))

    assert [DIGITS] == sent
    assert await first == await second


async def test_a_failure_keeps_its_class():
    loader = Loader()
    loader.worker_ready(lambda _: None)
    task = await begin(loader, DIGITS)

    loader.finish(ModelFailed(DIGITS, "unsupported-architecture", "not in this build", {}))

    with pytest.raises(UnsupportedArchitectureError, match="not in this build"):
        await task


async def test_a_load_survives_a_worker():
    sent = []
    loader = Loader()
    loader.worker_ready(lambda message: sent.append(message.model))
    task = await begin(loader, DIGITS)

    loader.worker_lost(blame=True)
    loader.worker_ready(lambda message: sent.append(message.model))
    loader.finish(loaded(DIGITS))

    assert [DIGITS, DIGITS] == sent
    assert DIGITS == (await task).model


async def test_a_version_that_kills_two_workers_is_given_up_and_the_next_loaded():
    sent = []
    loader = Loader()
    loader.worker_ready(lambda message: sent.append(message.model))
    killer, other = await begin(loader, DIGITS), await begin(loader, FACES)

    for _ in range(2):
        loader.worker_lost(blame=True)
        loader.worker_ready(lambda message: sent.append(message.model))
    loader.finish(loaded(FACES))

    with pytest.raises(WorkerError, match="died twice"):
        await killer
    assert FACES == (await other).model
    assert [DIGITS, DIGITS, FACES] == sent


async def test_a_version_is_not_blamed_for_a_batch():
    sent = []
    loader = Loader()
    loader.worker_ready(lambda message: sent.append(message.model))
    task = await begin(loader, DIGITS)

    for _ in range(5):
        loader.worker_lost(blame=False)
        loader.worker_ready(lambda message: sent.append(message.model))
    loader.finish(loaded(DIGITS))

    assert DIGITS == (await task).model


async def test_late_answers_are_ignored():
    loader = Loader()
    loader.worker_ready(lambda _: None)
    task = await begin(loader, DIGITS)

    loader.finish(loaded(FACES))
    loader.close(NotReadyError("stopping"))
    loader.finish(loaded(DIGITS))

    with pytest.raises(NotReadyError):
        await task


async def test_a_caller_that_left_does_not_matter():
    loader = Loader()
    loader.worker_ready(lambda _: None)
    task = await begin(loader, DIGITS)
    task.cancel()
    await asyncio.wait([task])

    loader.finish(loaded(DIGITS))
    again = await begin(loader, DIGITS)
    loader.finish(loaded(DIGITS))

    assert DIGITS == (await again).model
