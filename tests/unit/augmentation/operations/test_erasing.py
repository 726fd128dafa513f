import json

import numpy as np
import pytest

from app.augmentation.traces import Trace
from tests.augmenting import WHITE, apply, augment, augment_once, make_picture, make_plan, trace_of

ERASE = {"op": "erase", "fill": "constant", "value": 0.0, "key": 5}


def boxes_of(plan):
    return [np.array(trace_of(plan, row)[0]["boxes"]) for row in range(len(plan.rows))]


@pytest.mark.parametrize("size", [(100, 60), (30, 200)])
def test_rectangles_have_their_area(size):
    op = {"op": "erase", "fraction": [0.1, 0.1], "aspect": [1, 5]}

    boxes = np.concatenate(boxes_of(make_plan([op], make_picture(height=size[0], width=size[1]), copies=60)))

    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    np.testing.assert_allclose(areas / (size[0] * size[1]), 0.1, rtol=0.1)


def test_rectangles_have_their_aspect_either_way():
    op = {"op": "erase", "fraction": [0.1, 0.1], "aspect": [2, 2]}

    boxes = np.concatenate(boxes_of(make_plan([op], make_picture(height=100, width=60), copies=60)))

    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    np.testing.assert_allclose(np.maximum(widths, heights) / np.minimum(widths, heights), 2, rtol=0.12)
    assert 15 < (widths > heights).sum() < 45


def test_rectangles_lie_in_the_picture_and_anywhere_in_it():
    op = {"op": "erase", "fraction": [0.01, 0.3], "count": [1, 4]}

    boxes = np.concatenate(boxes_of(make_plan([op], make_picture(height=40, width=50), copies=300)))

    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert [0, 0, 50, 40] == [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]


def test_counts_reach_both_ends():
    plan = make_plan([{"op": "erase", "count": [2, 5]}], make_picture(), copies=60)

    assert {2, 3, 4, 5} == {len(boxes) for boxes in boxes_of(plan)}


def test_what_would_be_larger_than_the_picture_is_all_of_it():
    pixels = make_picture()

    assert 0 == augment_once("erase", pixels, fraction=[1, 1], aspect=[5, 5]).max()


@pytest.mark.parametrize("depth", sorted(WHITE))
def test_a_rectangle_shows_its_level_and_the_rest_stays(depth):
    pixels = make_picture(depth)

    output = apply(pixels, {**ERASE, "value": 0.2, "boxes": [[2, 1, 6, 4]]})

    np.testing.assert_allclose(output[1:4, 2:6] / WHITE[depth], 0.2, rtol=1e-6)
    output[1:4, 2:6] = pixels[1:4, 2:6]
    np.testing.assert_array_equal(pixels, output)


@pytest.mark.parametrize("boxes", [[], [[20, 2, 30, 4]], [[3, 3, 3, 8]]])
def test_a_rectangle_that_is_not_in_the_picture_erases_nothing(boxes):
    pixels = make_picture()

    np.testing.assert_array_equal(pixels, apply(pixels, {**ERASE, "boxes": boxes}))


@pytest.mark.parametrize("boxes", [[[1, 2, 3]], [[-1, 0, 3, 3]], [[0, 0, 1, 1]] * 17])
def test_traces_of_other_shapes_are_refused(boxes):
    with pytest.raises(ValueError, match="boxes"):
        Trace.model_validate_json(json.dumps({"steps": [{**ERASE, "boxes": boxes}]}))


def test_a_constant_is_transparent_and_other_fills_are_as_they_were():
    pixels = make_picture(channels=4)
    box = {"boxes": [[0, 0, 5, 5]]}

    constant, noise, mean = (
        apply(pixels, {**ERASE, **box, "fill": fill}, has_alpha=True) for fill in ("constant", "noise", "mean")
    )

    assert 0 == constant[:5, :5, 3].max()
    np.testing.assert_array_equal(pixels[:, :, 3], noise[:, :, 3])
    np.testing.assert_array_equal(pixels[:, :, 3], mean[:, :, 3])


def test_the_mean_is_that_of_each_colour():
    pixels = make_picture()

    output = apply(pixels, {**ERASE, "fill": "mean", "boxes": [[4, 4, 5, 5]]})

    np.testing.assert_array_equal(np.rint(pixels.mean(axis=(0, 1))), output[4, 4])


def test_hidden_colours_do_not_count_for_the_mean():
    pixels = make_picture(channels=2)
    pixels[:, 6:, 1], pixels[:, :6, 1] = 0, 255

    output = apply(pixels, {**ERASE, "fill": "mean", "boxes": [[4, 4, 5, 5]]}, has_alpha=True)

    assert round(pixels[:, :6, 0].mean()) == output[4, 4, 0]


def test_the_mean_of_what_is_not_seen_at_all_is_that_of_its_colours():
    pixels = make_picture(channels=2)
    pixels[:, :, 1] = 0

    output = apply(pixels, {**ERASE, "fill": "mean", "boxes": [[4, 4, 5, 5]]}, has_alpha=True)

    assert round(pixels[:, :, 0].mean()) == output[4, 4, 0]


@pytest.mark.parametrize("depth", sorted(WHITE))
def test_noise_is_uniform_and_another_in_each_rectangle(depth):
    pixels = np.zeros((80, 160, 3), depth)

    output = apply(pixels, {**ERASE, "fill": "noise", "boxes": [[0, 0, 80, 80], [80, 0, 160, 80]]}) / WHITE[depth]

    counts, _ = np.histogram(output, bins=8, range=(0, 1))
    np.testing.assert_allclose(counts / output.size, 1 / 8, atol=0.01)
    assert 0.05 > abs(np.corrcoef(output[:, :80].ravel(), output[:, 80:].ravel())[0, 1])


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.6, 1.0])
def test_a_grid_erases_its_share(fraction):
    pixels = np.full((240, 360, 1), 255, np.uint8)

    output = augment_once("grid_dropout", pixels, cells=[4, 4], fraction=[fraction, fraction])

    assert fraction == pytest.approx((output == 0).mean(), abs=0.02)


def test_a_grid_has_its_cells_and_begins_where_it_is_told():
    pixels = np.full((12, 18, 1), 255, np.uint8)
    step = {"op": "grid_dropout", "cells": 2, "fraction": 0.25, "shift_x": 0.5, "shift_y": 0.0}

    output = apply(pixels, {**step, "fill": "constant", "value": 0.0, "key": 0})[:, :, 0]

    np.testing.assert_array_equal([0, 1, 2, 6, 7, 8], np.flatnonzero((output == 0).any(axis=1)))
    np.testing.assert_array_equal([3, 4, 5, 9, 10, 11, 15, 16, 17], np.flatnonzero((output == 0).any(axis=0)))


def test_copies_are_erased_elsewhere():
    first, second = augment([{"op": "erase"}], make_picture(height=60, width=60), copies=2)

    assert (first != second).any()
