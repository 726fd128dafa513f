import numpy as np
import pytest

from app.augmentation import adapting
from app.augmentation.adapting import adapt, count_levels
from tests.augmenting import make_picture


@pytest.mark.parametrize("most", [0, 2**24])
def test_levels_are_counted_one_by_one(monkeypatch, most):
    monkeypatch.setattr(adapting, "_EXACT", most)
    pixels = make_picture(channels=1)

    counts = count_levels(pixels)

    assert (256,) == counts.shape
    assert [(pixels == level).sum() for level in range(256)] == counts.tolist()


@pytest.mark.parametrize("depth", ["uint16", "float32"])
def test_finer_levels_are_counted_in_65536(depth):
    levels = np.array([0, 1, 1, 0.5], np.float64)
    pixels = levels.astype(depth) if depth == "float32" else np.rint(levels * 65535).astype(depth)

    counts = count_levels(pixels)

    assert (65536,) == counts.shape
    assert [1, 1, 2] == counts[[0, 32768, 65535]].tolist()


def test_each_channel_has_a_curve_of_its_own():
    pixels = make_picture(channels=5)

    output = adapt(
        pixels, lambda counts: [lambda levels, n=n: levels * 0 + n / 5 for n in range(len(counts))], has_alpha=True
    )

    np.testing.assert_array_equal(output[:, :, :4] - np.array([0, 51, 102, 153], np.uint8), 0)
    np.testing.assert_array_equal(pixels[:, :, 4], output[:, :, 4])
