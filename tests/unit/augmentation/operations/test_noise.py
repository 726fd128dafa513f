import math

import numpy as np
import pytest

from tests.augmenting import WHITE, augment, augment_once

SIDE = 160


def make_flat(level, depth="uint8", channels=3):
    value = level if depth == "float32" else round(level * WHITE[depth])
    return np.full((SIDE, SIDE, channels), value, depth)


def noise_of(op, pixels, **parameters):
    """Return what an operation adds, white is 1."""
    white = WHITE[pixels.dtype.name]
    return augment_once(op, pixels, **parameters) / white - pixels / white


@pytest.mark.parametrize("depth", sorted(WHITE))
@pytest.mark.parametrize("deviation", [0.02, 0.1])
def test_gaussian_noise_is_normal_with_its_deviation(depth, deviation):
    found = noise_of("gaussian_noise", make_flat(0.5, depth), deviation=[deviation, deviation])

    assert 0 == pytest.approx(found.mean(), abs=4 * deviation / SIDE)
    assert deviation == pytest.approx(math.sqrt((found**2).mean()), rel=0.02)
    assert 3 == pytest.approx((found**4).mean() / (found**2).mean() ** 2, abs=0.15)


def test_gaussian_noise_is_rounded_to_whole_levels_before_it_is_added():
    one, other = (make_flat(level / 255) for level in (100, 150))

    first, second = (augment_once("gaussian_noise", pixels).astype(int) - pixels for pixels in (one, other))

    np.testing.assert_array_equal(first, second)


def test_channels_have_noise_of_their_own_unless_told_otherwise():
    own, shared = (noise_of("gaussian_noise", make_flat(0.5), per_channel=flag) for flag in (True, False))

    assert 0.05 > np.abs(np.corrcoef(own.reshape(-1, 3).T)[0, 1:]).max()
    np.testing.assert_array_equal(shared[:, :, 0], shared[:, :, 2])


def test_noise_is_cut_off_at_black_and_white():
    dark, bright = (augment_once("gaussian_noise", make_flat(level), deviation=[0.1, 0.1]) for level in (0, 1))

    assert 0.5 == pytest.approx((dark == 0).mean(), abs=0.05)
    assert 0.5 == pytest.approx((bright == 255).mean(), abs=0.05)


def test_copies_have_noise_of_their_own():
    pixels = make_flat(0.5)
    first, second = (one.astype(int) - pixels for one in augment([{"op": "gaussian_noise"}], pixels, copies=2))

    assert 0.03 > abs(np.corrcoef(first.ravel(), second.ravel())[0, 1])


@pytest.mark.parametrize("depth", sorted(WHITE))
@pytest.mark.parametrize("level", [0.2, 0.6])
def test_the_variance_of_shot_noise_is_level_by_photons(depth, level):
    found = noise_of("shot_noise", make_flat(level, depth), photons=[200, 200])

    assert level / 200 == pytest.approx(found.var(), rel=0.04)


def test_black_has_no_shot_noise():
    assert 0 == augment_once("shot_noise", make_flat(0), photons=[5, 5]).max()


@pytest.mark.parametrize("depth", sorted(WHITE))
@pytest.mark.parametrize("level", [0.25, 0.5])
def test_speckle_grows_with_the_level(depth, level):
    found = noise_of("speckle", make_flat(level, depth), deviation=[0.1, 0.1])

    assert 0.1 * level == pytest.approx(found.std(), rel=0.03)


@pytest.mark.parametrize(("fraction", "salt"), [(0.02, 0.5), (0.3, 0.9), (1.0, 0.25), (0.5, 0.0), (0.4, 1.0)])
def test_salt_and_pepper_have_their_shares(fraction, salt):
    output = augment_once("salt_and_pepper", make_flat(0.5), fraction=[fraction, fraction], salt=[salt, salt])

    whites, blacks = (output == 255).all(axis=2).mean(), (output == 0).all(axis=2).mean()

    assert fraction * salt == pytest.approx(whites, abs=0.012)
    assert fraction * (1 - salt) == pytest.approx(blacks, abs=0.012)
    assert {0, 128, 255} >= set(np.unique(output).tolist())


@pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
def test_pixel_dropout_has_its_share_and_level(fraction):
    output = augment_once("pixel_dropout", make_flat(0.5), fraction=[fraction, fraction], value=0.2)

    assert fraction == pytest.approx((output == 51).all(axis=2).mean(), abs=0.01)
    assert fraction == pytest.approx((output != 128).any(axis=2).mean(), abs=0.01)
