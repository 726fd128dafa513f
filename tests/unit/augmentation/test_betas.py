import numpy as np
import pytest

from app.augmentation.betas import BETA_WORDS, GAMMA_WORDS, STEP, beta, dirichlet, gamma
from app.augmentation.draws import rows_of

ROWS = rows_of(5, 11, 4000)
TOLERANCE = 0.02


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.5])
def test_gamma_numbers_have_the_mean_and_the_variance_of_their_distribution(alpha):
    drawn = gamma(ROWS.uniform(0, GAMMA_WORDS), alpha)

    assert pytest.approx(alpha, rel=0.06) == drawn.mean()
    assert pytest.approx(alpha, rel=0.12) == drawn.var()


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0, 100.0])
def test_beta_numbers_have_the_mean_and_the_variance_of_their_distribution(alpha):
    drawn = beta(ROWS.uniform(0, BETA_WORDS), alpha)

    assert pytest.approx(0.5, abs=TOLERANCE) == drawn.mean()
    assert pytest.approx(1 / (4 * (2 * alpha + 1)), abs=TOLERANCE) == drawn.var()
    assert (drawn >= 0).all()
    assert (drawn <= 1).all()


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_dirichlet_shares_are_whole_steps_that_sum_to_one_exactly(parts):
    drawn = dirichlet(ROWS.uniform(0, parts * GAMMA_WORDS), 0.4, parts)

    assert (drawn.sum(axis=1) == 1).all()
    assert (drawn / STEP == np.rint(drawn / STEP)).all()
    assert pytest.approx([1 / parts] * parts, abs=TOLERANCE) == drawn.mean(axis=0)


def test_a_draw_alone_is_the_draw_among_many():
    many = beta(ROWS.uniform(3, BETA_WORDS), 0.2)

    alone = beta(ROWS.take(np.array([17])).uniform(3, BETA_WORDS), 0.2)

    assert many[17] == alone[0]


def test_when_all_tries_fail_the_mean_stands_in():
    uniform = np.full((1, GAMMA_WORDS), 1e-10)  # normal numbers of -6.4, whose cubes are negative

    assert 2.0 == pytest.approx(gamma(uniform, 2.0)[0])
