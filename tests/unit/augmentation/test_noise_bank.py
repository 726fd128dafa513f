import hashlib

import numpy as np
import pytest

from app.augmentation.noise_bank import (
    PIECE,
    SCALE,
    TABLE_BITS,
    find_places,
    read_bank,
    read_table,
    read_uniform,
    thresholds_of,
)

KEYS = [0, 1, 2, 3, 2**26, 2**52 - 1]


def correlate(first, second):
    """Return the correlation of two fields at every shift, in standard deviations of what independent ones show."""
    x, y = ((one.ravel() - one.mean()) / one.std() for one in (first.astype(np.float64), second.astype(np.float64)))
    count = x.size
    spectrum = np.fft.rfft(x, 2 * count) * np.conj(np.fft.rfft(y, 2 * count))
    sums = np.fft.irfft(spectrum)
    shifts = np.concatenate([np.arange(count), [count], np.arange(count - 1, 0, -1)])
    overlaps = count - shifts
    return sums[overlaps > 100] / np.sqrt(overlaps[overlaps > 100])


def test_the_table_is_normal():
    numbers = read_table()[: 2 ** (TABLE_BITS - 1)] / SCALE

    assert 0 == pytest.approx(numbers.mean(), abs=4e-3)
    assert 1 == pytest.approx(numbers.std(), abs=3e-3)
    assert 0 == pytest.approx((numbers**3).mean(), abs=1e-2)
    assert 3 == pytest.approx((numbers**4).mean(), abs=3e-2)
    assert 4.5 < np.abs(numbers).max() < 6.5


def test_the_table_is_the_same_on_every_machine():
    table = read_table()

    assert "94b82077e2ed5238" == hashlib.sha256(table.astype("<i2").tobytes()).hexdigest()[:16]
    assert 0 == int(table[: 2**TABLE_BITS].sum(dtype=np.int64))
    assert not table.flags.writeable


@pytest.mark.parametrize("shape", [(1,), (3, 5), (PIECE,), (PIECE + 1,), (17, 19, 3)])
def test_a_field_is_read_piece_by_piece(shape):
    size = int(np.prod(shape))
    places = find_places(5, -(-size // PIECE))

    expected = np.concatenate([read_table()[place : place + PIECE] for place in places])[:size]

    np.testing.assert_array_equal(expected.reshape(shape), read_bank(5, shape))


def test_a_longer_field_starts_with_the_shorter_one():
    pieces = 2**12 + 3  # more than are kept

    np.testing.assert_array_equal(find_places(9, 7), find_places(9, pieces)[:7])
    assert 4000 < len(set(find_places(9, pieces).tolist()))


@pytest.mark.parametrize("key", KEYS)
def test_a_field_is_normal(key):
    numbers = read_bank(key, (256, 256, 3)) / SCALE

    assert 0 == pytest.approx(numbers.mean(), abs=0.012)
    assert 1 == pytest.approx(numbers.std(), abs=0.01)
    assert 3 == pytest.approx((numbers**4).mean(), abs=0.1)


@pytest.mark.parametrize(
    ("key", "shape"), [(7, (512, 512, 3)), (8, (224, 224, 3)), *((key, (64, 64, 3)) for key in KEYS)]
)
def test_nothing_repeats_within_a_field(key, shape):
    field = read_bank(key, shape)

    own = correlate(field, field)[1:]
    away = own[: own.size // 2]

    assert np.abs(away).max() < 5.7  # the largest of so many normal numbers
    assert 1 == pytest.approx(away.std(), abs=0.03)


def test_fields_do_not_repeat_each_other():
    fields = [read_bank(key, (224, 224, 3)) for key in KEYS]

    worst = [np.abs(correlate(fields[i], fields[j])).max() for i in range(3) for j in range(i + 1, len(KEYS))]

    assert max(worst) < 6


def test_fields_are_independent_where_they_lie_upon_each_other():
    fields = np.stack([read_bank(key * 7919, (32 * 32,)) for key in range(400)]).astype(np.float64)

    correlations = np.corrcoef(fields)[np.triu_indices(400, 1)] * 32

    assert 1 == pytest.approx(correlations.std(), abs=0.02)
    assert np.abs(correlations).max() < 6


def test_uniform_fields_are_uniform():
    counts = np.bincount(read_uniform(4, (512, 512)).ravel() // 256, minlength=16)

    np.testing.assert_allclose(counts / 512**2, 1 / 16, atol=0.003)


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.97])
def test_a_threshold_has_its_share_below(share):
    (threshold,) = thresholds_of(np.array([share]))

    below = (read_bank(11, (512, 512)) < threshold).mean()

    assert share == pytest.approx(below, abs=4 * np.sqrt(share * (1 - share)) / 512 + 2e-4)


def test_none_and_all_are_exact():
    none, every = (int(threshold) for threshold in thresholds_of(np.array([0.0, 1.0])))

    assert none <= np.iinfo(np.int16).min
    assert every > np.iinfo(np.int16).max
