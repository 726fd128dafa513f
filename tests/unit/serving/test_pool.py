import numpy as np
import pytest

from app.core.settings import PoolSettings
from app.schemas.jobs import ModelRef
from app.schemas.models import VersionState
from app.serving.pool import SamplePool
from app.serving.reservoir import Reservoir
from app.serving.stream import SampleChunk
from app.serving.versions import ServedVersion
from tests.drafts import make_draft

IMAGE_BYTES = 64  # 8 x 8, grey


class Kept:
    """Reservoirs that a pool asked for."""

    def __init__(self):
        self.reservoirs = []
        self.reserves = []
        self.closed = []

    def keep(self, model, _, plan, reserve):
        reservoir = Reservoir(plan, on_read=lambda _: None, on_close=lambda: self.closed.append(model.name))
        self.reserves.append(reserve)
        self.reservoirs.append(reservoir)
        return reservoir

    def fill(self, number, count):
        plan = self.reservoirs[number].plan
        images = np.zeros((count, 8, 8, 1), dtype=np.uint8)
        self.reservoirs[number].deliver(SampleChunk(0, images, plan.labels(0, count)))


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def make_pool(kept):
    return lambda **settings: SamplePool(PoolSettings(**settings), kept.keep)


def make_version(name="tiny"):
    return ServedVersion(make_draft(name), ModelRef(name, 1, "d" * 64), VersionState.READY)


def test_the_first_request_begins_the_stock_that_later_ones_take_from(make_pool, kept):
    pool, version = make_pool(samples=10), make_version()
    first = pool.take(version, None, 2)
    kept.fill(0, 10)

    one, two = pool.take(version, None, 1), pool.take(version, None, 2)

    assert None is first
    assert [(0, 1), (1, 2)] == [(ready.plan.first_index, ready.plan.num_samples) for ready in (one, two)]
    assert kept.reservoirs[0].plan.seed == one.plan.seed == two.plan.seed
    assert two.plan.labels(0, 2).tolist() == two.chunk.labels.tolist()
    assert 0 == two.chunk.offset


def test_each_class_has_a_stock_with_a_seed_of_its_own(make_pool, kept):
    pool, version = make_pool(), make_version()

    for label in (None, 0, 1):
        pool.take(version, label, 1)
    kept.fill(2, 4)

    assert 3 == len({reservoir.plan.seed for reservoir in kept.reservoirs})
    assert [1, 1] == pool.take(version, 1, 2).plan.labels(0, 2).tolist()


def test_what_was_not_asked_for_longest_makes_room(make_pool, kept):
    pool = make_pool(samples=10, bytes=2 * 10 * IMAGE_BYTES)
    for name in ("a", "b"):
        pool.take(make_version(name), None, 1)
    kept.fill(0, 10)
    pool.take(make_version("a"), None, 1)

    pool.take(make_version("c"), None, 1)

    assert ["b"] == kept.closed
    assert None is not pool.take(make_version("a"), None, 1)


def test_images_that_are_large_are_kept_in_smaller_numbers(make_pool, kept):
    make_pool(samples=10, bytes=7 * IMAGE_BYTES).take(make_version(), None, 1)

    assert [7] == kept.reserves


@pytest.mark.parametrize("settings", [{"samples": 0}, {"bytes": 0}, {"bytes": IMAGE_BYTES - 1}], ids=str)
def test_without_room_nothing_is_kept(make_pool, kept, settings):
    assert None is make_pool(**settings).take(make_version(), None, 1)
    assert [] == kept.reservoirs


def test_the_stock_of_a_version_is_dropped(make_pool, kept):
    pool, version = make_pool(), make_version()
    pool.take(version, None, 1)
    pool.take(version, 1, 1)

    pool.drop(version.ref)

    assert ["tiny", "tiny"] == kept.closed


def test_a_stock_that_failed_is_begun_again(make_pool, kept):
    pool, version = make_pool(), make_version()
    pool.take(version, None, 1)
    kept.reservoirs[0].close()

    assert None is pool.take(version, None, 1)
    assert 2 == len(kept.reservoirs)
