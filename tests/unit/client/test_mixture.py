import itertools

import numpy as np
import pytest

from app.client.mixture import Mixture

SEGMENTS = [("a", 50), ("b", 7), ("7", 143)]


def lay_out(start, stop, chunk=32):
    """List name and number of each sample of a range."""
    laid = []
    for count, runs in Mixture(SEGMENTS, chunk).cut(start, stop):
        places = [None] * count
        for run in runs:
            for offset, place in enumerate(run.places.tolist()):
                places[place] = (run.class_name, run.first + offset)
        laid += places
    return laid


def test_every_sample_comes_once():
    laid = lay_out(0, 200)

    assert list(range(200)) == sorted(number for _, number in laid)
    assert {"a": range(50), "b": range(50, 57), "7": range(57, 200)} == {
        name: range(min(found), max(found) + 1)
        for name in ("a", "b", "7")
        if (found := [number for one, number in laid if one == name])
    }


def test_classes_are_spread_evenly():
    names = [name for name, _ in lay_out(0, 200)]

    for name, count in SEGMENTS:
        seen = np.cumsum([one == name for one in names])
        expected = count * np.arange(1, 201) / 200
        assert np.abs(seen - expected).max() < 3


@pytest.mark.parametrize("cuts", [[0, 200], [0, 1, 2, 200], [0, 31, 32, 33, 150, 200], list(range(0, 201, 8))])
def test_ranges_join_to_the_whole(cuts):
    parts = [one for start, stop in itertools.pairwise(cuts) for one in lay_out(start, stop)]

    assert lay_out(0, 200) == parts


def test_an_empty_range_has_nothing():
    assert [] == lay_out(10, 10)
