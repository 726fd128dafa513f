import numpy as np
import pytest

from tests.augmenting import apply, augment_once, make_picture

LUMA = np.array([0.299, 0.587, 0.114])


def levels_of(pixels):
    return pixels.astype(np.float64) / 255


def assert_near(expected, pixels):
    """Compare levels with a picture of 8 bits, up to rounding; OpenCV rounds matrices to 1/1024 for these."""
    np.testing.assert_allclose(levels_of(pixels), np.clip(expected, 0, 1), atol=0.9 / 255)


@pytest.fixture
def pixels():
    return make_picture(height=24, width=24)


@pytest.fixture
def grey():
    return np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


def test_brightness_multiplies(pixels):
    assert_near(levels_of(pixels) * 1.3, augment_once("brightness", pixels, factor=[1.3, 1.3]))


def test_lightening_adds(pixels):
    assert_near(levels_of(pixels) - 0.2, augment_once("lighten", pixels, fraction=[-0.2, -0.2]))


def test_contrast_is_about_the_middle(pixels):
    assert_near((levels_of(pixels) - 0.5) * 0.6 + 0.5, augment_once("contrast", pixels, factor=[0.6, 0.6]))


def test_contrast_is_about_the_mean_where_it_is_asked_for(pixels):
    grey = (levels_of(pixels) @ LUMA).mean()

    output = augment_once("contrast", pixels, factor=[1.4, 1.4], about="mean")

    assert_near((levels_of(pixels) - grey) * 1.4 + grey, output)


def test_saturation_is_about_luma(pixels):
    grey = (levels_of(pixels) @ LUMA)[:, :, None]

    assert_near(grey + 0.4 * (levels_of(pixels) - grey), augment_once("saturation", pixels, factor=[0.4, 0.4]))


def test_greyscale_is_luma_in_every_channel(pixels):
    output = augment_once("greyscale", pixels)

    assert_near(np.repeat((levels_of(pixels) @ LUMA)[:, :, None], 3, axis=2), output)


def test_greyscale_of_bands_is_their_mean():
    pixels = make_picture(channels=5)

    output = augment_once("greyscale", pixels)

    assert_near(np.repeat(levels_of(pixels).mean(axis=2, keepdims=True), 5, axis=2), output)


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_inverting_is_exact(depth):
    pixels = make_picture(depth)
    white = pixels.dtype.type(pixels.max())

    np.testing.assert_array_equal(white - pixels, augment_once("invert", pixels))


@pytest.mark.parametrize("degrees", [0, 360])
def test_a_full_turn_of_hue_changes_nothing(pixels, degrees):
    output = apply(pixels, {"op": "hue", "degrees": degrees / 2}, {"op": "hue", "degrees": degrees / 2})

    np.testing.assert_array_equal(pixels, output)


@pytest.mark.parametrize("degrees", [-180, -90, -18, 37, 120])
def test_greys_have_no_hue(grey, degrees):
    np.testing.assert_array_equal(grey, apply(grey, {"op": "hue", "degrees": degrees}))


def test_hue_keeps_luma(pixels):
    muted = (96 + pixels // 4).astype(np.float32) / np.float32(255)

    output = apply(muted, {"op": "hue", "degrees": 75})

    np.testing.assert_allclose(output @ LUMA, muted @ LUMA, atol=1e-6)


def test_hue_turns_red_to_green_to_blue():
    red = np.full((1, 1, 3), 0.4, np.float32) + np.array([0.1, 0, 0], np.float32)

    green, blue = (apply(red, {"op": "hue", "degrees": degrees}) for degrees in (120, -120))

    assert 1 == green.argmax()
    assert 2 == blue.argmax()


def test_colour_jitter_is_its_parts_in_order():
    pixels = (make_picture("float32") * np.float32(0.2) + np.float32(0.4)).astype(np.float32)
    parts = [
        {"op": "brightness", "factor": 1.1},
        {"op": "contrast", "factor": 0.8, "about": "middle"},
        {"op": "saturation", "factor": 1.3},
        {"op": "hue", "degrees": 25},
    ]
    jitter = {"brightness_factor": 1.1, "contrast_factor": 0.8, "saturation_factor": 1.3, "hue_degrees": 25}

    output = apply(pixels, {"op": "colour_jitter", **jitter})

    np.testing.assert_array_equal(apply(pixels, *parts), output)


def test_folded_colours_are_not_cut_between(pixels):
    output = apply(pixels, {"op": "brightness", "factor": 4}, {"op": "brightness", "factor": 0.25})

    np.testing.assert_array_equal(pixels, output)
