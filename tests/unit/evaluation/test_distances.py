import numpy as np
import pytest

from app.evaluation import distances
from app.evaluation.distances import squared_distance_blocks, squared_neighbour_distances


@pytest.fixture(params=[1, 30, 10**6], ids=["a row a block", "two rows a block", "one block"])
def block_entries(request, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_ENTRIES", request.param)


@pytest.mark.usefixtures("block_entries")
def test_blocks_together_hold_every_distance():
    random = np.random.default_rng(0)
    rows, columns = random.normal(size=(7, 3)), random.normal(size=(11, 3))

    found = np.full((7, 11), np.nan)
    for part, block in squared_distance_blocks(rows, columns):
        found[part] = block

    np.testing.assert_allclose(found, np.square(rows[:, None] - columns).sum(axis=2), atol=1e-12)


@pytest.mark.usefixtures("block_entries")
def test_a_row_is_not_its_own_neighbour():
    rows = np.array([[0.0], [1.0], [3.0], [7.0]])

    assert [1.0, 1.0, 4.0, 16.0] == squared_neighbour_distances(rows, 1).tolist()
    assert [9.0, 4.0, 9.0, 36.0] == squared_neighbour_distances(rows, 2).tolist()


def test_rounding_never_makes_a_distance_negative():
    rows = np.random.default_rng(1).normal(size=(50, 4)) + 1e8

    assert all((block >= 0.0).all() for _, block in squared_distance_blocks(rows, rows))
