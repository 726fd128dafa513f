import numpy as np
import pytest

from app.core.errors import WorkerError
from app.serving.plan import SamplePlan
from app.serving.reservoir import Reservoir
from app.serving.stream import SampleChunk


class Kept:
    """A reservoir, with the notes that it gave."""

    def __init__(self):
        self.positions = []
        self.closings = 0
        plan = SamplePlan.drawn(seed=1, first_index=0, num_samples=1000)
        self.reservoir = Reservoir(plan, on_read=self.positions.append, on_close=self._count)

    def _count(self):
        self.closings += 1


@pytest.fixture
def kept():
    return Kept()


def make_chunk(offset, count, *, labelled=True):
    values = np.arange(offset, offset + count)
    images = values.astype(np.uint8).reshape(-1, 1, 1, 1)
    return SampleChunk(offset, images, values.astype(np.int32) if labelled else None)


def test_samples_are_handed_out_once_and_in_order(kept):
    kept.reservoir.deliver(make_chunk(0, 4))
    kept.reservoir.deliver(make_chunk(4, 4))

    chunks = [kept.reservoir.take(count) for count in (1, 2, 4)]

    assert [0, 1, 3] == [chunk.offset for chunk in chunks]
    assert [[0], [1, 2], [3, 4, 5, 6]] == [chunk.images.ravel().tolist() for chunk in chunks]
    assert [[0], [1, 2], [3, 4, 5, 6]] == [chunk.labels.tolist() for chunk in chunks]
    assert [1, 3, 7] == kept.positions
    assert 1 == len(kept.reservoir)


def test_too_few_samples_are_kept_for_others(kept):
    kept.reservoir.deliver(make_chunk(0, 4))

    assert None is kept.reservoir.take(5)
    assert (4, []) == (len(kept.reservoir), kept.positions)


def test_chunks_that_come_early_wait_for_those_before_them(kept):
    kept.reservoir.deliver(make_chunk(2, 2, labelled=False))
    assert 0 == len(kept.reservoir)

    kept.reservoir.deliver(make_chunk(0, 2, labelled=False))

    chunk = kept.reservoir.take(4)
    assert [0, 1, 2, 3] == chunk.images.ravel().tolist()
    assert None is chunk.labels


def test_one_chunk_is_not_copied(kept):
    chunk = make_chunk(0, 4)
    kept.reservoir.deliver(chunk)

    assert np.shares_memory(chunk.images, kept.reservoir.take(2).images)


def test_a_closed_one_has_nothing_and_takes_nothing(kept):
    kept.reservoir.deliver(make_chunk(0, 4))

    kept.reservoir.close()
    kept.reservoir.close()
    kept.reservoir.deliver(make_chunk(4, 4))

    assert (True, 0, 1) == (kept.reservoir.is_closed, len(kept.reservoir), kept.closings)
    assert None is kept.reservoir.take(1)


def test_one_whose_version_fails_is_closed_without_a_word(kept):
    kept.reservoir.fail(WorkerError("it fails"))

    assert (True, 0) == (kept.reservoir.is_closed, kept.closings)
