import numpy as np

from app.augmentation.cpu import Renderer
from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.operations.mixing import Mixup
from app.augmentation.operations.turns import Flip, Turn
from app.augmentation.program import before_mixing, partner_of, place_rows
from app.augmentation.sampler import Sampler

COPIES = 16


def draw(nodes, key, shape):
    return Sampler(rows_of(0, key, COPIES), frames_of(np.zeros(shape, np.uint8), COPIES), 10**7).run(nodes)


def test_what_is_mixed_in_is_as_it_was_before_the_mixing_whether_it_is_mixed_itself_or_not():
    pictures = [np.random.default_rng(n).integers(0, 256, (6, 9, 3), np.uint8) for n in range(2)]
    nodes = [Flip(axis="vertical"), Mixup(fraction=[1.0, 1.0], p=0.5), Flip()]
    plans = [draw(nodes, key, pictures[0].shape) for key in range(2)]
    renderer = Renderer(pictures, plans)

    outputs = [renderer.render_one(0, row) for row in range(COPIES)]

    mixed, other_is_mixed = (plan.steps[1].applied for plan in plans)
    assert (mixed & ~other_is_mixed).any()
    for row, output in enumerate(outputs):
        seen = pictures[1] if mixed[row] else pictures[0]
        np.testing.assert_array_equal(seen[::-1, ::-1], output)


def test_plans_that_mix_nothing_are_done_wholly():
    plan = draw([Turn(), Flip()], 0, (6, 9, 3))

    assert plan.steps == before_mixing(plan).steps


def test_outputs_find_their_place_in_their_program():
    plan = draw([Flip(p=0.5), Turn()], 0, (6, 9, 3))

    placed = place_rows(plan)

    assert list(range(COPIES)) == [int(program.rows[place]) for program, place in placed]


def test_partners_are_all_others():
    assert [1, 2, 3] == [partner_of(0, place, 4) for place in (0, 0.5, 0.99)]
    assert [0, 1, 2] == [partner_of(3, place, 4) for place in (0, 0.5, 0.99)]
    assert 0 == partner_of(0, 0.7, 1)
