import pytest

from app.core.errors import DeadlineExceededError, QueueFullError, RateLimitedError
from app.core.settings import QueueSettings
from app.schemas.jobs import BatchDone, ModelRef
from app.serving.admission import ANY_TIME, RECALL_S, Admission, Terms
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


class Purse:
    """A budget that takes note of what is spent."""

    def __init__(self, *, is_empty=False):
        self.is_empty = is_empty
        self.spent = []

    def spend(self, seconds, count):
        if self.is_empty:
            raise RateLimitedError("nothing left", retry_after_s=1)
        self.spent.append((seconds, count))


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

    admission.check_time(Terms("a", NOW + 5), interactive=True, turn=LARGEST)
    admission.check_time(Terms("b", NOW + 1.6), interactive=True, turn=LARGEST)
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


@pytest.fixture
def shared(batcher, counters):
    return Admission(batcher, counters, QueueSettings(requests=16, wait_s=30.0), lambda: NOW, is_shared=True)


def flood(admission, key):
    """Send requests of a key until one is refused; return what gives their places back."""
    places = []
    while True:
        try:
            admission.check_place(Terms(key))
        except QueueFullError:
            return places
        places.append(admission.take_place(key))


def test_a_flood_leaves_places_to_others_however_many_flood(shared):
    taken = [len(flood(shared, key)) for key in "abcd"]

    assert [8, 4, 2, 1] == taken
    shared.check_place(Terms("e"))


def test_where_no_keys_share_it_one_may_have_all_of_the_queue(admission):
    assert 2 == len(flood(admission, "a"))


def test_a_place_that_is_given_back_may_be_taken_again(shared):
    places = flood(shared, "a")
    assert len(places) == shared.num_places

    for give_back in places:
        give_back()

    assert 0 == shared.num_places
    assert len(places) == len(flood(shared, "a"))


def test_what_follows_a_refusal_is_refused_without_looking_at_the_queue(batcher, counters, monkeypatch):
    now = [NOW]
    admission = Admission(batcher, counters, QueueSettings(requests=100, wait_s=2.0), lambda: now[0])
    measure(batcher, counters, per_second=LARGEST)
    for _ in range(8):
        batcher.submit(MODEL, LARGEST, interactive=True, key="a")
    with pytest.raises(DeadlineExceededError):
        admission.check_time(admission.agree("a"), turn=LARGEST)
    monkeypatch.setattr(Batcher, "count_ahead", lambda *_, **__: pytest.fail("looked"))

    with pytest.raises(DeadlineExceededError) as caught:
        admission.recall(admission.agree("a"))

    assert 1 <= caught.value.fields["retry_after_s"]
    admission.recall(Terms("a", NOW + 1000))
    admission.recall(admission.agree("b"))
    admission.recall(admission.agree("a"), interactive=False)
    now[0] += RECALL_S
    admission.recall(admission.agree("a"))
    assert 2 == counters.overdue


def test_who_admits_too_much_drops_it_later_so_a_prediction_is_not_trusted_to_the_last(admission, batcher, counters):
    measure(batcher, counters, per_second=LARGEST)
    for _ in range(9):
        batcher.submit(MODEL, LARGEST, interactive=True, key="a")

    with pytest.raises(DeadlineExceededError):
        admission.check_time(Terms("a", NOW + 10), turn=LARGEST)
    admission.check_time(Terms("a", NOW + 14), turn=LARGEST)


def test_samples_are_paid_for_by_what_those_of_their_version_took(admission, batcher, counters):
    other, purse = ModelRef("large", 1, "e" * 64), Purse()
    measure(batcher, counters, per_second=100)
    batcher.set_sizes(other, (4, LARGEST))
    batcher.submit(other, LARGEST, interactive=True)
    batch = batcher.next_batch()
    counters.add_batch(batch, BatchDone(batch.batch_id, device_s=1.6))

    for model in (MODEL, other):
        admission.charge(Terms("a", budget=purse), model, 10)
    admission.charge(Terms("a"), MODEL, 10)

    assert [pytest.approx((0.1, 10)), pytest.approx((1.0, 10))] == purse.spent


def test_a_version_that_was_never_computed_costs_what_others_do(admission, batcher, counters):
    purse = Purse()
    admission.charge(Terms("a", budget=purse), MODEL, 10)
    measure(batcher, counters, per_second=100)
    admission.charge(Terms("a", budget=purse), ModelRef("new", 1, "e" * 64), 10)

    assert [(0.0, 10), pytest.approx((0.1, 10))] == purse.spent


def test_an_empty_purse_refuses(admission):
    with pytest.raises(RateLimitedError):
        admission.charge(Terms("a", budget=Purse(is_empty=True)), MODEL, 1)


def test_images_wait_for_latents_in_places_of_their_key(shared):
    terms = Terms("a")
    with shared.hold_encoding(terms, 15), pytest.raises(QueueFullError), shared.hold_encoding(terms, 15):
        pass
    with shared.hold_encoding(terms, 15), shared.hold_encoding(Terms("b"), 15):
        pass


def test_a_prediction_follows_what_the_device_does_of_late(batcher, counters):
    for _ in range(200):
        measure(batcher, counters, per_second=1000)
    for _ in range(60):
        measure(batcher, counters, per_second=100)

    assert pytest.approx(1.0, rel=0.1) == counters.predict_s(100)
