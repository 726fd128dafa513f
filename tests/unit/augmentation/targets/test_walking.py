import numpy as np
import pytest

from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.operations.curves import Gamma
from app.augmentation.operations.distortions import Elastic, Perspective
from app.augmentation.operations.mixing import Cutmix, Mosaic
from app.augmentation.operations.sizes import Resize
from app.augmentation.operations.turns import Flip, Rotate
from app.augmentation.sampler import Sampler
from app.augmentation.targets.walking import matrix_of, way_of, way_of_matrix
from app.core.errors import InvalidInputError


def draw(*nodes, copies=1):
    return Sampler(rows_of(0, 1, copies), frames_of(np.zeros((12, 20, 3), np.uint8), copies), 10**7).run(nodes)


def test_a_way_has_the_sizes_between_its_stages():
    way = way_of(draw(Resize(height=5, width=7), Gamma(), Rotate(), Resize(height=9, width=9)), 0)

    assert [(12, 20), (5, 7), (9, 9)] == list(way.sizes)


def test_there_is_no_way_back_from_mixed_pictures():
    with pytest.raises(InvalidInputError, match="mixes pictures"):
        way_of(draw(Cutmix()), 0)


@pytest.mark.parametrize("matrix", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
def test_a_matrix_without_an_inverse_is_refused(matrix):
    with pytest.raises(InvalidInputError, match="inverse"):
        way_of_matrix(matrix, (4, 4), (4, 4))


def test_only_what_is_applied_counts():
    plan = draw(Flip(p=0.5), copies=16)

    mirrored = [matrix_of(plan, row)[0, 0] < 0 for row in range(16)]

    assert plan.steps[0].applied.tolist() == mirrored
    assert {True, False} == set(mirrored)


def test_matrices_are_written_with_a_one_in_their_corner():
    assert 1 == matrix_of(draw(Perspective(), Flip(), Perspective()), 0)[2, 2]


def test_a_field_has_no_matrix():
    assert matrix_of(draw(Flip(), Elastic()), 0) is None


def test_the_matrix_of_a_tile_is_that_of_the_own_picture():
    matrix = matrix_of(draw(Mosaic(centre_fraction=[0.5, 0.5])), 0)

    np.testing.assert_allclose(np.diag([0.5, 0.5, 1]), matrix)
