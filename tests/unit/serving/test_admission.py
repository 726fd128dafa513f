import pytest

from app.core.errors import DeadlineExceededError, QueueFullError
from app.core.settings import QueueSettings
from app.schemas.jobs import BatchDone, ModelRef
from app.serving.admission import ANY_TIME, Admission, Terms
from app.serving.batcher import Batcher
from app.serving.counters import Counters

MODEL = ModelRef("digits", 1, "d" * 64)
LARGEST = 16
NOW = 100.0


@pytest.fixture
def batcher():
    batcher = Batcher(window_batches=4)
    batcher.set_sizes(MODEL, (4, LARGEST))
    return batcher


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def admission(batcher, counters):
    return Admission(batcher, counters, QueueSettings(requests=2, wait_s=30.0), lambda: NOW)


def measure(batcher, counters, *, per_second):
    """Let a batch be computed at this rate."""
    batcher.submit(MODEL, LARGEST, interactive=True)
    batch = batcher.next_batch()
    batcher.complete(batch.batch_id)
    counters.add_batch(batch, BatchDone(batch.batch_id, device_s=LARGEST / per_second))


@pytest.mark.parametrize(("timeout_s", "begin_by"), [(None, NOW + 30), (2.5, NOW + 2.5), (3600.0, NOW + 30)])
def test_a_caller_may_wait_for_less_than_the_service_allows(admission, timeout_s, begin_by):
    assert Terms("key", begin_by) == admission.agree("key", timeout_s)


def test_as_many_wait_as_may(admission, counters):
    admission.check_room(1)

    with pytest.raises(QueueFullError):
        admission.check_room(2)

    assert 1 == counters.refused


def test_what_would_not_be_begun_in_time_is_refused_at_once(admission, batcher, counters):
    measure(batcher, counters, per_second=LARGEST)
    for _ in range(3):
        batcher.submit(MODEL, LARGEST, interactive=True, key="a")

    admission.check_time(Terms("a", NOW + 4), interactive=True, turn=LARGEST)
    admission.check_time(Terms("b", NOW + 1.5), interactive=True, turn=LARGEST)
    with pytest.raises(DeadlineExceededError) as caught:
        admission.check_time(Terms("a", NOW + 2.5), interactive=True, turn=LARGEST)

    assert 3 == caught.value.fields["retry_after_s"]
    assert 1 == counters.overdue


def test_nothing_is_foretold_before_anything_was_measured(admission, batcher, counters):
    for _ in range(100):
        batcher.submit(MODEL, LARGEST, interactive=True)

    admission.check_time(Terms("a", NOW + 0.001), interactive=True, turn=LARGEST)

    assert 0 == counters.overdue


def test_what_is_too_late_already_is_refused(admission, counters):
    with pytest.raises(DeadlineExceededError):
        admission.check_time(Terms("a", NOW))

    assert 1 == counters.overdue


def test_what_may_wait_for_ever_is_let_in(admission, batcher, counters):
    measure(batcher, counters, per_second=0.001)
    batcher.submit(MODEL, 10**9, interactive=False)

    admission.check_time(ANY_TIME, interactive=False, turn=LARGEST)

    assert 0 == counters.overdue
