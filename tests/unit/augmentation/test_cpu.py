import numpy as np
import pytest

from app.augmentation.cpu import find_sources
from app.augmentation.points import trace_back
from app.augmentation.program import Resample, place_rows
from tests.augmenting import augment, make_picture, make_plan

ELASTIC = {"op": "elastic", "px": [2, 2], "cells": 3}
PICTURE = make_picture(height=20, width=28)


@pytest.mark.parametrize(
    "ops",
    [
        [ELASTIC],
        [ELASTIC, {"op": "random_resized_crop", "height": 11, "width": 9}, {"op": "flip"}],
        [{"op": "rotate"}, ELASTIC, {"op": "resize", "height": 9, "width": 30}],
        [ELASTIC, {"op": "perspective"}],
        [ELASTIC, {"op": "turn", "quarters": [1]}, {"op": "grid_distortion"}],
    ],
)
def test_sources_of_pixels_are_those_of_their_centres(ops):
    program, place = place_rows(make_plan(ops, PICTURE))[0]
    (stage,) = program.stages
    assert isinstance(stage, Resample)
    centres = np.stack(np.meshgrid(np.arange(stage.widths[0]) + 0.5, np.arange(stage.heights[0]) + 0.5), axis=2)

    expected = trace_back(stage, place, centres)

    np.testing.assert_allclose(expected, find_sources(stage, place), atol=1e-4)


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
def test_what_lies_outside_of_a_picture_with_transparency_is_transparent(interpolation):
    picture = np.full((8, 8, 4), 255, np.uint8)
    zoom = {"op": "zoom", "factor": [0.5, 0.5], "value": 1.0, "interpolation": interpolation}

    (output,) = augment([zoom], picture, has_alpha=True)

    assert 0 == output[:, :, 3].min()
    assert 255 == output[:, :, 3].max()


@pytest.mark.parametrize("ops", [[], [ELASTIC]])
def test_a_picture_seen_from_very_far_costs_little(ops):
    far = [{"op": "perspective"}, *[{"op": "zoom", "factor": [0.05, 0.05]}] * 4, *ops]

    (output,) = augment(far, PICTURE)

    assert PICTURE.shape == output.shape
    assert 1 >= np.count_nonzero(output.max(axis=2))
