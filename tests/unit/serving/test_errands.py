import asyncio

import pytest

from app.core.errors import NotReadyError, UnsupportedArchitectureError, WorkerError
from app.schemas.jobs import LoadModel, ModelLoaded, ModelRef
from app.serving.errands import Errands

DIGITS = ModelRef("digits", 1, "d" * 64)
FACES = ModelRef("faces", 1, "f" * 64)


def loaded(model):
    return ModelLoaded(model, (16,), 1, 4, 0.1)


def make_errands():
    return Errands(lambda: WorkerError("it died twice"), deaths=2)


async def begin(errands, model):
    task = asyncio.ensure_future(errands.run(model, LoadModel(model)))
    await asyncio.wait([task], timeout=0)
    return task


async def test_errands_are_run_one_at_a_time():
    sent = []
    errands = make_errands()
    first, second = await begin(errands, DIGITS), await begin(errands, FACES)

    errands.worker_ready(lambda message: sent.append(message.model))
    before = list(sent)
    errands.finish(DIGITS, loaded(DIGITS))
    errands.finish(FACES, loaded(FACES))

    assert [DIGITS] == before
    assert [DIGITS, FACES] == sent
    assert [DIGITS, FACES] == [(await first).model, (await second).model]


async def test_two_callers_share_an_answer():
    sent = []
    errands = make_errands()
    errands.worker_ready(lambda message: sent.append(message.model))
    first, second = await begin(errands, DIGITS), await begin(errands, DIGITS)

    errands.finish(DIGITS, loaded(DIGITS))

    assert [DIGITS] == sent
    assert await first == await second


async def test_a_failure_keeps_its_class():
    errands = make_errands()
    errands.worker_ready(lambda _: None)
    task = await begin(errands, DIGITS)

    errands.finish(DIGITS, UnsupportedArchitectureError("not in this build"))

    with pytest.raises(UnsupportedArchitectureError, match="not in this build"):
        await task


async def test_an_errand_survives_a_worker():
    sent = []
    errands = make_errands()
    errands.worker_ready(lambda message: sent.append(message.model))
    task = await begin(errands, DIGITS)

    errands.worker_lost(blame=True)
    errands.worker_ready(lambda message: sent.append(message.model))
    errands.finish(DIGITS, loaded(DIGITS))

    assert [DIGITS, DIGITS] == sent
    assert DIGITS == (await task).model


async def test_what_kills_two_workers_is_given_up_and_the_next_run():
    sent = []
    errands = make_errands()
    errands.worker_ready(lambda message: sent.append(message.model))
    killer, other = await begin(errands, DIGITS), await begin(errands, FACES)

    for _ in range(2):
        errands.worker_lost(blame=True)
        errands.worker_ready(lambda message: sent.append(message.model))
    errands.finish(FACES, loaded(FACES))

    with pytest.raises(WorkerError, match="died twice"):
        await killer
    assert FACES == (await other).model
    assert [DIGITS, DIGITS, FACES] == sent


async def test_an_errand_is_not_blamed_for_a_batch():
    sent = []
    errands = make_errands()
    errands.worker_ready(lambda message: sent.append(message.model))
    task = await begin(errands, DIGITS)

    for _ in range(5):
        errands.worker_lost(blame=False)
        errands.worker_ready(lambda message: sent.append(message.model))
    errands.finish(DIGITS, loaded(DIGITS))

    assert DIGITS == (await task).model


async def test_late_answers_are_ignored():
    errands = make_errands()
    errands.worker_ready(lambda _: None)
    task = await begin(errands, DIGITS)

    errands.finish(FACES, loaded(FACES))
    errands.close(NotReadyError("stopping"))
    errands.finish(DIGITS, loaded(DIGITS))

    with pytest.raises(NotReadyError):
        await task


async def test_a_caller_that_left_does_not_matter():
    errands = make_errands()
    errands.worker_ready(lambda _: None)
    task = await begin(errands, DIGITS)
    task.cancel()
    await asyncio.wait([task])

    errands.finish(DIGITS, loaded(DIGITS))
    again = await begin(errands, DIGITS)
    errands.finish(DIGITS, loaded(DIGITS))

    assert DIGITS == (await again).model


async def test_what_nobody_waits_for_is_forgotten_unless_it_was_begun():
    sent = []
    errands = make_errands()
    begun, waiting = await begin(errands, DIGITS), await begin(errands, FACES)
    errands.worker_ready(lambda message: sent.append(message.model))

    errands.drop(DIGITS)
    errands.drop(FACES)
    errands.finish(DIGITS, loaded(DIGITS))

    assert [DIGITS] == sent
    assert DIGITS == (await begun).model
    assert 0 == len(errands)
    waiting.cancel()
