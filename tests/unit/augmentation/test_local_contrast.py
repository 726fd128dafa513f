import cv2
import numpy as np
import pytest

from app.augmentation.local_contrast import equalise_locally
from tests.augmenting import WHITE


@pytest.fixture
def shades():
    """A ramp across, lighter below, with some noise; 8 bits."""
    noise = np.random.default_rng(0).integers(0, 20, (64, 96))
    ramp = np.linspace(40, 160, 96)[None, :] + np.linspace(0, 40, 64)[:, None]
    return (ramp + noise).astype(np.uint8)[:, :, None]


@pytest.mark.parametrize("clip", [1, 2.5, 40])
@pytest.mark.parametrize("cells", [1, 4, 16])
@pytest.mark.parametrize("depth", ["uint16", "float32"])
def test_finer_levels_follow_what_opencv_makes_of_8_bits(shades, depth, cells, clip):
    expected = cv2.createCLAHE(clip, (cells, cells)).apply(shades[:, :, 0]) / 255
    fine = (shades / 255 * WHITE[depth]).astype(depth)

    output = equalise_locally(fine, clip, cells, has_alpha=False)[:, :, 0] / WHITE[depth]

    np.testing.assert_allclose(output, expected, atol=1.01 / 255)


def test_levels_between_those_of_8_bits_stay_apart():
    ramp = np.linspace(20000, 30000, 4096).astype(np.uint16).reshape(64, 64, 1)

    output = equalise_locally(ramp, 40, 1, has_alpha=False)

    assert len(np.unique(output)) > 0.9 * len(np.unique(ramp))
    assert (np.diff(output.ravel().astype(int)) >= 0).all()


def test_transparency_stays():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 4), np.uint8)

    np.testing.assert_array_equal(pixels[:, :, 3], equalise_locally(pixels, 4, 2, has_alpha=True)[:, :, 3])
