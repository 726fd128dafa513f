import pytest

from app.schemas.jobs import (
    BatchDone,
    BatchFailed,
    BatchStarted,
    LoadModel,
    ModelFailed,
    ModelLoaded,
    ModelRef,
    Pong,
    SampleBatch,
)
from app.serving.watchdog import Watchdog
from tests.fakes import FakeClock

MODEL = ModelRef("digits", 1, "d" * 64)
BATCH = SampleBatch(1, MODEL, 0, 16, (), b"")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def watchdog(clock):
    watchdog = Watchdog(work_s=10, load_s=30, clock=clock)
    watchdog.sent(BATCH)
    watchdog.received(BatchDone(1, 0.1))
    return watchdog


def test_an_idle_worker_may_be_silent(watchdog, clock):
    clock.now += 1000

    assert not watchdog.is_hung()


def test_an_unanswered_ping_is_a_hang(watchdog, clock):
    ping = watchdog.next_ping()
    clock.now += 10
    before = watchdog.is_hung()
    clock.now += 1

    assert 1 == ping.number
    assert watchdog.next_ping() is None
    assert not before
    assert watchdog.is_hung()


def test_an_answered_ping_is_a_sign_of_life(watchdog, clock):
    watchdog.received(Pong(watchdog.next_ping().number))
    clock.now += 1000

    assert not watchdog.is_hung()
    assert 2 == watchdog.next_ping().number


def test_a_batch_that_takes_too_long_is_a_hang(watchdog, clock):
    watchdog.sent(BATCH)
    clock.now += 6
    watchdog.received(BatchStarted(1))
    clock.now += 6
    before = watchdog.is_hung()
    clock.now += 5

    assert not before
    assert watchdog.is_hung()


def test_pongs_are_no_progress(watchdog, clock):
    watchdog.sent(BATCH)
    clock.now += 11
    watchdog.received(Pong(1))

    assert watchdog.is_hung()


def test_the_first_batch_of_a_version_may_take_a_load_longer(clock):
    watchdog = Watchdog(work_s=10, load_s=30, clock=clock)
    watchdog.sent(BATCH)
    clock.now += 40
    before = watchdog.is_hung()
    clock.now += 1

    assert not before
    assert watchdog.is_hung()


@pytest.mark.parametrize(
    "answer",
    [ModelLoaded(MODEL, (16,), 1, 4, 0.1), ModelFailed(MODEL, "worker-failed", "no", {})],
    ids=["loaded", "failed"],
)
def test_a_load_has_its_own_limit_and_an_end(watchdog, clock, answer):
    watchdog.sent(LoadModel(MODEL))
    clock.now += 40
    during = watchdog.is_hung()
    watchdog.received(answer)
    clock.now += 1000

    assert not during
    assert not watchdog.is_hung()


def test_a_failed_batch_is_an_answer(watchdog, clock):
    watchdog.sent(BATCH)
    watchdog.received(BatchFailed(1, "worker-failed", "no", {}))
    clock.now += 1000

    assert not watchdog.is_hung()


def test_a_batch_that_takes_too_long_is_a_hang_whatever_other_lanes_do(watchdog, clock):
    watchdog.sent(BATCH)
    watchdog.sent(SampleBatch(2, MODEL, 1, 16, (), b""))
    watchdog.received(BatchStarted(1))
    clock.now += 6
    watchdog.received(BatchStarted(2))
    before = watchdog.is_hung()
    clock.now += 5

    assert not before
    assert watchdog.is_hung()
