import pytest

from app.repository.manifest import ImageSpec
from app.training.config import ObjectiveConfig
from app.training.objectives.registry import create_objective
from app.training.trainers.gamma import HIGHEST, LOWEST, GammaController, default_gamma


def test_gamma_grows_with_the_pixels():
    small, large = (ImageSpec(height=side, width=side, channels=1) for side in (28, 56))

    assert 2.0 == default_gamma(create_objective("relativistic"), small)
    assert 8.0 == default_gamma(create_objective("relativistic"), large)
    assert 0.0 == default_gamma(create_objective("wasserstein_gp"), small)


def test_gamma_falls_exponentially_to_its_last_value():
    controller = GammaController(ObjectiveConfig(r1_gamma=2.0, gamma_decay=0.01))

    assert [1.0, pytest.approx(0.1), pytest.approx(0.01)] == [controller.factor(part) for part in (0.0, 0.5, 1.0)]


def test_a_discriminator_that_wins_raises_gamma_to_its_bound():
    controller = GammaController(ObjectiveConfig(r1_gamma=2.0, gamma_control=True))

    for _ in range(1000):
        controller.observe(0.01)

    assert pytest.approx(HIGHEST) == 2.0 * controller.factor(0.5)


def test_a_discriminator_that_cannot_tell_lowers_gamma_to_its_bound():
    controller = GammaController(ObjectiveConfig(r1_gamma=2.0, gamma_control=True))

    for _ in range(1000):
        controller.observe(0.693)

    assert pytest.approx(LOWEST) == 2.0 * controller.factor(0.5)


def test_a_controller_goes_on_from_its_state():
    config = ObjectiveConfig(r1_gamma=2.0, gamma_control=True)
    first, second = GammaController(config), GammaController(config)
    for loss in (0.1, 0.2, 0.9):
        first.observe(loss)

    second.load_state(first.state())

    assert first.factor(0.0) == second.factor(0.0) > 1.0
