"""Every operation on colours and levels, with every kind of picture."""

import numpy as np
import pytest

from app.augmentation.cpu import Renderer
from app.augmentation.operations import channels, colours, curves, histograms, tints
from app.augmentation.program import Recolour, Relevel, write_programs
from app.augmentation.registry import OPERATIONS
from app.core.errors import InvalidInputError
from tests.augmenting import KINDS, WHITE, apply, augment, make_picture, make_plan, trace_of

FAMILIES = {family.__name__ for family in (channels, colours, curves, histograms, tints)}
FAMILY = {op.model_fields["op"].default: op for op in OPERATIONS if op.__module__ in FAMILIES}
OPS = [{"op": name} for name in FAMILY] + [
    {"op": "contrast", "about": "mean"},
    {"op": "channel_dropout", "count": [0, 5], "value": 0.5},
    {"op": "auto_contrast", "cutoff_fraction": [0, 0.2]},
    {"op": "clahe", "cells": 2},
]


def name_op(op):
    return "-".join(map(str, op.values()))


EVERY_OP = pytest.mark.parametrize("op", OPS, ids=name_op)
FITTED = {"equalise", "auto_contrast", "clahe", "normalise"}


def kinds_of(op):
    return [(depth, kind) for depth in WHITE for kind in KINDS if can_take(op, kind)]


def can_take(op, kind):
    num_channels, has_alpha = kind
    return num_channels - has_alpha in {1, 3} or not FAMILY[op["op"]].needs_rgb


@EVERY_OP
def test_shape_depth_range_and_transparency_stay(op):
    for depth, (num_channels, has_alpha) in kinds_of(op):
        pixels = make_picture(depth, num_channels)
        before = pixels.copy()

        for output in augment([op], pixels, has_alpha=has_alpha, copies=2):
            assert (pixels.shape, pixels.dtype) == (output.shape, output.dtype)
            assert 0 <= output.min() <= output.max() <= WHITE[depth]
            if has_alpha:
                np.testing.assert_array_equal(pixels[:, :, -1], output[:, :, -1])
        np.testing.assert_array_equal(before, pixels)


@EVERY_OP
def test_a_trace_replays_to_the_same_bytes(op):
    for depth, (num_channels, has_alpha) in kinds_of(op):
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


@pytest.mark.parametrize("op", [op for op in OPS if op["op"] != "clahe"], ids=name_op)
def test_depths_agree(op):
    """Shades of 8 bits, written with 16 or with a point, come out as near as 8 bits tell."""
    if op["op"] == "posterise":
        op = op | {"bits": [8, 8]}
    pixels = make_picture(height=32, width=32)
    expected = augment([op], pixels)[0].astype(np.float64)

    wide = augment([op], pixels.astype(np.uint16) * np.uint16(257))[0] / 257
    real = augment([op], pixels.astype(np.float32) / np.float32(255))[0] * 255.0

    np.testing.assert_allclose(wide, expected, atol=1.01)
    np.testing.assert_allclose(real, wide, atol=0.05)


@pytest.mark.parametrize("name", sorted(name for name, op in FAMILY.items() if op.needs_rgb))
def test_colours_are_not_looked_for_in_other_bands(name):
    with pytest.raises(InvalidInputError, match="red, green and blue; these have 5 channels"):
        make_plan([{"op": name}], make_picture(channels=5))


@pytest.mark.parametrize("name", ["saturation", "hue", "greyscale", "temperature", "sepia", "channel_shuffle"])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_a_picture_without_colours_stays(name, has_alpha):
    pixels = make_picture(channels=1 + has_alpha)

    np.testing.assert_array_equal(pixels, augment([{"op": name}], pixels, has_alpha=has_alpha)[0])


@pytest.mark.parametrize("name", sorted(FITTED - {"clahe"}))
def test_what_is_wholly_transparent_does_not_count(name):
    pixels = make_picture(channels=4)
    pixels[:, 5:, 3], pixels[:, :5, 3] = 0, 255
    darker = pixels.copy()
    darker[:, 5:, :3] //= 8

    outputs = [augment([{"op": name}], one, has_alpha=True)[0] for one in (pixels, darker)]

    np.testing.assert_array_equal(outputs[0][:, :5], outputs[1][:, :5])


@pytest.mark.parametrize("op", [*sorted(FITTED - {"clahe"}), "contrast"])
def test_a_picture_of_which_nothing_is_seen_stays(op):
    pixels = make_picture(channels=4)
    pixels[:, :, 3] = 0
    parameters = {"about": "mean"} if op == "contrast" else {}

    np.testing.assert_array_equal(pixels, augment([{"op": op, **parameters}], pixels, has_alpha=True)[0])


def test_colours_in_a_row_are_one_matrix():
    names = [name for name, op in FAMILY.items() if op.__module__ not in {curves.__name__, histograms.__name__}]

    (program,) = write_programs(make_plan([{"op": name} for name in names], make_picture(), copies=2))

    assert [Recolour] == [type(stage) for stage in program.stages]
    assert 13 == len(names)


def test_curves_in_a_row_are_one_table():
    names = [name for name, op in FAMILY.items() if op.__module__ == curves.__name__]

    (program,) = write_programs(make_plan([{"op": name} for name in names], make_picture(), copies=2))

    assert [Relevel] == [type(stage) for stage in program.stages]
    assert 6 == len(names)
