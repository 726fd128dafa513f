import numpy as np
import pytest

from app.augmentation.targets.boxes import areas, cut, hull, outline, refine, uncover

BOX = np.array([[2.0, 4.0, 10.0, 8.0]])
ALL = np.ones(1)


def test_outline_starts_each_edge_at_its_corner():
    points = outline(BOX, 4)

    assert (1, 16, 2) == points.shape
    assert [[2, 4], [10, 4], [10, 8], [2, 8]] == points[0, ::4].tolist()
    assert [[2, 4], [4, 4], [6, 4], [8, 4]] == points[0, :4].tolist()
    np.testing.assert_array_equal(BOX, hull(points))


@pytest.mark.parametrize(("side", "count", "points"), [(2, 1, 4), (40, 1, 10), (4000, 1, 64), (4000, 1000, 8)])
def test_outlines_of_large_boxes_are_finer(side, count, points):
    outlines = refine(outline(np.array([[0.0, 0, side, 1]] * count)))

    assert 4 * points == outlines.shape[1]
    assert outlines is refine(outlines)


def test_no_boxes_have_no_outlines():
    nothing = np.empty((0, 4))

    assert (0, 4) == hull(refine(outline(nothing))).shape


def test_cut_keeps_the_share_of_the_area_that_is_seen():
    outlines, visibilities = cut(outline(BOX), np.array([0.5]), (6, 6))

    assert [[2, 4, 6, 6]] == hull(outlines).tolist()
    assert [0.5 * 8 / 32] == visibilities.tolist()


def test_cut_leaves_what_is_inside_as_it_was():
    turned = np.array([[[4.0, 1.0], [7.0, 4.0], [4.0, 7.0], [1.0, 4.0]]])

    outlines, visibilities = cut(turned, ALL, (10, 10))

    np.testing.assert_array_equal(turned, outlines)
    assert [1] == visibilities.tolist()


def test_nothing_is_left_of_a_box_outside():
    outlines, visibilities = cut(outline(BOX), ALL, (4, 100))

    assert [0] == areas(hull(outlines)).tolist()
    assert [0] == visibilities.tolist()


@pytest.mark.parametrize(
    ("window", "covers", "left", "share"),
    [
        ([0, 0, 20, 20], [], [2, 4, 10, 8], 1),
        ([0, 0, 6, 20], [], [2, 4, 6, 8], 1 / 2),
        ([0, 0, 20, 20], [[8, 0, 20, 20]], [2, 4, 8, 8], 3 / 4),
        ([0, 0, 20, 20], [[4, 0, 6, 20]], [2, 4, 10, 8], 3 / 4),
        ([0, 0, 20, 20], [[4, 5, 6, 7]], [2, 4, 10, 8], 7 / 8),
        ([0, 0, 20, 20], [[0, 0, 6, 6], [4, 0, 20, 6]], [2, 6, 10, 8], 1 / 2),
        ([0, 0, 20, 20], [[0, 0, 20, 20]], [2, 4, 2, 4], 0),
        ([12, 0, 20, 20], [], [12, 4, 12, 4], 0),
    ],
)
def test_a_box_shows_what_its_window_shows_and_no_other_covers(window, covers, left, share):
    above = np.array(covers, np.float64).reshape(-1, 4)

    outlines, visibilities = uncover(outline(BOX), ALL, np.array(window, np.float64), above)

    assert [left] == hull(outlines).tolist()
    assert [share] == visibilities.tolist()
