import numpy as np
import pytest

from app.evaluation.modes import Modes, count_modes, find_modes


def test_even_samples_cover_everything_at_no_divergence():
    assert Modes(covered=5, reverse_kl=0.0, floor=4 / 100) == count_modes(np.arange(50) % 5, 5)


def test_one_mode_diverges_by_the_logarithm_of_their_number():
    modes = count_modes(np.full(30, 7), 1000)

    assert 1 == modes.covered
    assert pytest.approx(np.log(1000)) == modes.reverse_kl


def test_half_of_the_modes_cost_one_bit():
    modes = count_modes(np.arange(40) % 4, 8)

    assert (4, pytest.approx(np.log(2))) == (modes.covered, modes.reverse_kl)


def test_an_ideal_sampler_scores_the_floor_on_average():
    random = np.random.default_rng(0)
    found = [count_modes(random.integers(0, 100, size=5000), 100) for _ in range(100)]

    assert pytest.approx(found[0].floor, rel=0.05) == np.mean([modes.reverse_kl for modes in found])


@pytest.mark.parametrize("predicted", [[], [3]], ids=["none", "unknown"])
def test_input_without_an_answer_is_refused(predicted):
    with pytest.raises(ValueError, match="predicted modes"):
        count_modes(np.array(predicted, np.int64), 3)


def test_modes_are_the_classes_where_the_generator_is_not_asked_for_one(make_judge, make_halves):
    judge = make_judge(make_halves())

    assert 2 == find_modes(judge, None, num_classes=0).num_modes
    assert None is find_modes(judge, None, num_classes=2)
    assert None is find_modes(make_judge(make_halves(labelled=False)), None, num_classes=0)


def test_channels_name_the_mode_of_a_colour_image(make_judge, make_halves):
    grey = make_halves()
    colour = np.concatenate([grey.images[[0]], grey.images[[1]], grey.images[[1]]], axis=3)

    teller = find_modes(make_judge(grey), make_judge(grey), num_classes=0)

    assert 8 == teller.num_modes
    assert [0b011] == teller.predict(colour).tolist()
