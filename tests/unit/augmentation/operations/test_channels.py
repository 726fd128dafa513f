import itertools

import numpy as np
import pytest

from app.core.errors import InvalidInputError
from tests.augmenting import apply, augment, augment_once, make_picture, make_plan, trace_of


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [3, 5])
def test_shuffling_moves_channels_exactly(depth, channels):
    pixels = make_picture(depth, channels)
    order = list(np.random.default_rng(0).permutation(channels).tolist())

    output = apply(pixels, {"op": "channel_shuffle", "order": order})

    np.testing.assert_array_equal(pixels[:, :, order], output)


def test_every_order_comes_up():
    plan = make_plan([{"op": "channel_shuffle"}], make_picture(), copies=120)

    orders = {tuple(trace_of(plan, row)[0]["order"]) for row in range(120)}

    assert set(itertools.permutations(range(3))) == orders


def test_channels_have_gains_of_their_own():
    pixels = make_picture("float32", 4)
    factors = [0.5, 1.0, 0.25, 0.0]

    output = apply(pixels, {"op": "channel_gain", "factors": factors}, has_alpha=False)

    np.testing.assert_array_equal(pixels * np.array(factors, np.float32), output)


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_so_many_channels_are_dropped_and_the_others_stay(count):
    pixels = make_picture("uint16", 5, seed=3)

    for output in augment([{"op": "channel_dropout", "count": [count, count], "value": 1.0}], pixels, copies=4):
        is_dropped = (output == 65535).all(axis=(0, 1))
        assert count == is_dropped.sum()
        np.testing.assert_array_equal(pixels[:, :, ~is_dropped], output[:, :, ~is_dropped])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_last_channel_is_never_dropped(channels):
    output = augment_once("channel_dropout", make_picture(channels=channels), count=[64, 64])

    assert 1 == (output > 0).any(axis=(0, 1)).sum()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"op": "channel_shuffle", "order": [1, 0]}, "of 2 channels; the picture has 3"),
        ({"op": "channel_shuffle", "order": [1, 1, 0]}, "names each of them once"),
        ({"op": "channel_gain", "factors": [1, 1, 1, 1]}, "of 4 channels; the picture has 3"),
        ({"op": "channel_dropout", "dropped": [True], "value": 0}, "of 1 channels; the picture has 3"),
    ],
)
def test_a_trace_of_other_channels_is_refused(step, message):
    with pytest.raises(InvalidInputError, match=message):
        apply(make_picture(), step)


@pytest.mark.parametrize("op", ["channel_shuffle", "channel_gain", "channel_dropout"])
def test_more_channels_than_are_drawn_for_are_refused(op):
    with pytest.raises(InvalidInputError, match="at most 64 channels"):
        make_plan([{"op": op}], make_picture(channels=65))
