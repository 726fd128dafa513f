"""Every operation that changes pixels in place but hangs on more than one level, with every kind of picture."""

import numpy as np
import pytest

from app.augmentation.cpu import Renderer
from app.augmentation.operations import blurs, erasing, noise, quality
from app.augmentation.registry import OPERATIONS
from tests.augmenting import KINDS, WHITE, apply, augment, make_picture, make_plan, trace_of

FAMILIES = {family.__name__ for family in (blurs, erasing, noise, quality)}
FAMILY = [op.model_fields["op"].default for op in OPERATIONS if op.__module__ in FAMILIES]
OPS = [{"op": name} for name in FAMILY] + [
    {"op": "gaussian_noise", "per_channel": False},
    {"op": "gaussian_noise", "deviation": [1, 1]},
    {"op": "speckle", "per_channel": False},
    {"op": "shot_noise", "photons": [1, 1]},
    {"op": "salt_and_pepper", "fraction": [1, 1]},
    {"op": "gaussian_blur", "px": [32, 32]},
    {"op": "motion_blur", "px": [64, 64], "degrees": [90, 90]},
    {"op": "defocus", "px": [32, 32]},
    {"op": "box_blur", "px": [32, 32]},
    {"op": "sharpen", "factor": [8, 8]},
    {"op": "jpeg_artefacts", "quality": [1, 1]},
    {"op": "downscale", "interpolation": "nearest"},
    {"op": "downscale", "factor": [0.01, 0.01]},
    {"op": "pixelate", "px": [256, 256]},
    {"op": "erase", "count": [3, 16], "fill": "noise"},
    {"op": "erase", "fill": "mean"},
    {"op": "grid_dropout", "fill": "noise", "cells": [1, 64]},
]
MOVES_ALPHA = {"gaussian_blur", "motion_blur", "defocus", "box_blur", "downscale", "pixelate", "erase", "grid_dropout"}


def name_op(op):
    return "-".join(map(str, op.values()))


EVERY_OP = pytest.mark.parametrize("op", OPS, ids=name_op)
EVERY_KIND = [(depth, *kind) for depth in WHITE for kind in KINDS]


@EVERY_OP
def test_shape_depth_and_range_stay(op):
    for depth, num_channels, has_alpha in EVERY_KIND:
        pixels = make_picture(depth, num_channels)
        before = pixels.copy()

        for output in augment([op], pixels, has_alpha=has_alpha, copies=2):
            assert (pixels.shape, pixels.dtype) == (output.shape, output.dtype)
            assert 0 <= output.min() <= output.max() <= WHITE[depth]
        np.testing.assert_array_equal(before, pixels)


@pytest.mark.parametrize("op", [op for op in OPS if op["op"] not in MOVES_ALPHA], ids=name_op)
def test_transparency_stays(op):
    for depth, num_channels in ((depth, channels) for depth in WHITE for channels in (2, 4)):
        pixels = make_picture(depth, num_channels)

        (output,) = augment([op], pixels, has_alpha=True)

        np.testing.assert_array_equal(pixels[:, :, -1], output[:, :, -1])


@EVERY_OP
def test_a_trace_replays_to_the_same_bytes(op):
    for depth, num_channels, has_alpha in EVERY_KIND:
        pixels = make_picture(depth, num_channels)
        plan = make_plan([op], pixels, has_alpha=has_alpha, copies=3)

        for row, output in enumerate(Renderer([pixels], [plan]).render(0)):
            replayed = apply(pixels, *trace_of(plan, row), has_alpha=has_alpha)
            assert output.tobytes() == replayed.tobytes()


@EVERY_OP
def test_an_output_does_not_hang_on_how_many_there_are(op):
    pixels = make_picture()

    several = augment([op], pixels, copies=5)

    assert augment([op], pixels)[0].tobytes() == several[0].tobytes()


@EVERY_OP
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 3)])
def test_the_smallest_pictures_are_taken(op, size):
    pixels = make_picture(height=2, width=4)[: size[0], : size[1]]

    (output,) = augment([op], pixels)

    assert pixels.shape == output.shape


@EVERY_OP
def test_depths_agree(op):
    """Shades of 8 bits, written with 16 or with a point, come out as near as 8 bits tell."""
    pixels = make_picture(height=32, width=32)
    expected = augment([op], pixels)[0].astype(np.float64)

    wide = augment([op], pixels.astype(np.uint16) * np.uint16(257))[0] / 257
    real = augment([op], pixels.astype(np.float32) / np.float32(255))[0] * 255.0

    np.testing.assert_allclose(wide, expected, atol=1.1)  # each of two steps rounds
    np.testing.assert_allclose(real, wide, atol=0.05)


@pytest.mark.parametrize("op", sorted(MOVES_ALPHA - {"erase", "grid_dropout"}))
def test_hidden_colours_stay_hidden(op):
    pixels = make_picture(channels=4, height=24, width=24)
    pixels[:, :12, 3], pixels[:, 12:, 3] = 255, 0
    other = pixels.copy()
    other[:, 12:, :3] = 255 - other[:, 12:, :3]

    outputs = [augment([{"op": op}], one, has_alpha=True)[0] for one in (pixels, other)]

    np.testing.assert_array_equal(*outputs)
