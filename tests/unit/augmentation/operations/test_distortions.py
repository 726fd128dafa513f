import itertools

import cv2
import numpy as np
import pytest

from app.augmentation.fields import draw_uniform, sample_grid
from app.augmentation.frames import frames_of
from app.augmentation.operations.distortions import MAX_INWARD, Elastic, GridDistortion, Perspective, square_to_corners
from tests.augmenting import apply, augment, make_picture

PICTURE = make_picture(height=24, width=32)
OUTSIDE = {"fill": "constant", "value": 0.0, "interpolation": "linear"}
FRAMES = frames_of(PICTURE, 6)


def sources(displacement, row, steps=200):
    """Return where a fine lattice of a picture comes from, shape (steps, steps, 2)."""
    height, width = int(displacement.heights[row]), int(displacement.widths[row])
    points = np.stack(np.meshgrid(np.linspace(0, width, steps), np.linspace(0, height, steps)), axis=2)
    return points + sample_grid(displacement.offsets[row], points, (height, width), displacement.spline)


def folds(points):
    """Tell whether cells of a lattice are turned over."""
    across, down = points[:-1, 1:] - points[:-1, :-1], points[1:, :-1] - points[:-1, :-1]
    return bool(np.any(across[..., 0] * down[..., 1] <= across[..., 1] * down[..., 0]))


def test_corners_go_where_the_fractions_say():
    fractions = np.array([[0.1, 0.2, 0.0, 0.05, 0.15, 0.1, 0.2, 0.0]])

    matrix = Perspective.build({"fractions": fractions, **OUTSIDE}, frames_of(PICTURE, 1)).matrices[0]

    before = np.array([[[0, 0], [32, 0], [32, 24], [0, 24]]], np.float32)
    after = np.array([[[3.2, 4.8], [32, 1.2], [27.2, 21.6], [6.4, 24]]], np.float32)
    expected = cv2.getPerspectiveTransform(before, after)
    np.testing.assert_allclose(expected, matrix / matrix[2, 2], atol=1e-5)


def test_no_perspective_shows_the_horizon():
    frame = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float)
    inward = np.array(list(itertools.product([0, MAX_INWARD], repeat=8))).reshape(-1, 4, 2)
    corners = frame[:, :2] + inward * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])

    back = np.linalg.inv(square_to_corners(corners))

    assert 0.05 < np.einsum("nij,kj->nki", back, frame)[:, :, 2].min()


def test_a_perspective_shows_the_fill_at_the_sides():
    white = np.full((24, 32, 1), 255, np.uint8)

    seen = apply(white, {"op": "perspective", "fractions": [0.2] * 8, **OUTSIDE})[:, :, 0]

    assert 0 == max(seen[:4].max(), seen[-4:].max(), seen[:, :6].max(), seen[:, -6:].max())
    assert 255 == seen[6:18, 8:24].min()


def test_an_elastic_field_moves_points_by_its_amplitude_at_most():
    offsets = Elastic.build({"key": np.arange(6), "px": 0.5, "cells": 4, **OUTSIDE}, FRAMES).offsets

    assert 0.45 < np.abs(offsets).max() <= 0.5


@pytest.mark.parametrize("cells", [2, 5, 16])
def test_an_elastic_field_of_any_amplitude_folds_nowhere(cells):
    field = Elastic.build({"key": np.arange(6), "px": 256.0, "cells": cells, **OUTSIDE}, FRAMES)

    assert not any(folds(sources(field, row)) for row in range(6))
    assert 0.03 * 24 / cells < np.abs(field.offsets).max()


def test_an_elastic_field_of_no_amplitude_changes_nothing():
    step = {"op": "elastic", "key": 5, "px": 0.0, "cells": 3, **OUTSIDE}

    np.testing.assert_array_equal(PICTURE, apply(PICTURE, step))


def test_a_field_is_decided_by_its_key():
    drawn = draw_uniform(np.array([3, 2**52 - 1, 3]), 6)

    np.testing.assert_array_equal(drawn[0], drawn[2])
    np.testing.assert_array_equal(draw_uniform(np.array([2**52 - 1]), 3)[0], drawn[1, :3])
    assert not np.any(drawn[0] == drawn[1])


def test_a_grid_distortion_keeps_edges_and_folds_nowhere():
    field = GridDistortion.build({"key": np.arange(6), "fraction": 0.45, "cells": 5, "interpolation": "linear"}, FRAMES)

    assert 0 == np.abs(field.offsets[:, :, [0, -1], 0]).max() == np.abs(field.offsets[:, [0, -1], :, 1]).max()
    assert 0.4 * 32 / 5 < np.abs(field.offsets).max() <= 0.45 * 32 / 5
    assert not any(folds(sources(field, row)) for row in range(6))


def test_a_grid_distortion_shows_nothing_outside():
    white = np.full((24, 32, 1), 255, np.uint8)

    outputs = augment([{"op": "grid_distortion", "fraction": [0.45, 0.45]}], white, copies=4)

    assert all(255 == output.min() for output in outputs)


def test_a_grid_distortion_moves_columns_as_wholes():
    stripes = np.broadcast_to(make_picture(channels=1, height=1, width=32), (24, 32, 1)).copy()

    (output,) = augment([{"op": "grid_distortion"}], stripes)

    assert 1 >= np.ptp(output.astype(int), axis=0).max()
