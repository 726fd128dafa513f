import math

import pytest

from app.studies.arms import AUGMENTED, REAL, Arm, create_arms
from app.studies.verdict import compare_arms, reach_verdict

MIX = Arm(0.3, augmented=True)
ARMS = create_arms([0.3])
SEEDS = [0.90, 0.92, 0.94]


def make_accuracies(*, real=-0.03, mixes=-0.02, best=0.0, noise=0.001):
    """Accuracies around those of ``real + augmentation``: of ``real``, of ``MIX``, and of all other arms."""
    wobble = [-noise, 0.0, noise]
    offsets = dict.fromkeys(ARMS, mixes) | {AUGMENTED: 0.0, REAL: real, MIX: best}
    return {
        arm: [base + offset + (0 if arm == AUGMENTED else change) for base, change in zip(SEEDS, wobble, strict=True)]
        for arm, offset in offsets.items()
    }


def compare(arm, accuracies):
    [comparison] = [comparison for comparison in compare_arms(accuracies) if comparison.arm == arm]
    return comparison


def test_every_arm_is_compared_with_the_same_without_generated_images():
    baselines = {comparison.arm.name: comparison.baseline.name for comparison in compare_arms(make_accuracies())}

    assert {
        "real + augmentation": "real",
        "generated": "real",
        "real + 30 % generated": "real",
        "real + 30 % generated kept": "real",
        "real + 30 % generated + augmentation": "real + augmentation",
        "real + 30 % generated kept + augmentation": "real + augmentation",
    } == baselines


def test_differences_are_taken_within_seeds_in_percentage_points():
    comparison = compare(MIX, make_accuracies(best=0.005))

    reach = 4.302653 * 0.1 / math.sqrt(3)
    assert (0.5, 0.5 - reach, 0.5 + reach) == pytest.approx(comparison.difference, abs=1e-5)


def test_the_spread_between_seeds_that_both_share_does_not_count():
    comparison = compare(MIX, make_accuracies(best=0.005, noise=0.0))

    assert comparison.difference.high - comparison.difference.low < 1e-9


def test_a_gain_beyond_the_interval_of_all_mixes_helps():
    verdict = reach_verdict(make_accuracies(best=0.01))

    assert "helps" == verdict.answer
    assert MIX == verdict.recommended
    assert (
        "generated data helps: +1.00 points with real + 30 % generated + augmentation against real + augmentation "
        "(95 % interval +0.75 to +1.25; as the best of 2 arms +0.64 to +1.36)"
    ) == verdict.sentence
    assert "mix: train on real + 30 % generated + augmentation" == verdict.advice


def test_a_loss_beyond_the_interval_does_not_help():
    verdict = reach_verdict(make_accuracies(best=-0.005))

    assert "does not help" == verdict.answer
    assert AUGMENTED == verdict.recommended
    assert (
        "generated data does not help: -0.50 points with real + 30 % generated + augmentation against "
        "real + augmentation (95 % interval -0.75 to -0.25)"
    ) == verdict.sentence
    assert "ratio 0: train on real + augmentation, no generated images" == verdict.advice


@pytest.mark.parametrize("best", [-0.001, 0.001])
def test_an_interval_that_holds_zero_cannot_tell(best):
    verdict = reach_verdict(make_accuracies(best=best))

    assert "cannot tell" == verdict.answer
    assert AUGMENTED == verdict.recommended
    assert verdict.sentence.startswith("cannot tell whether generated data helps: ")
    assert verdict.sentence.endswith(" holds 0)")


def test_a_gain_that_the_best_of_several_may_have_by_luck_cannot_tell():
    verdict = reach_verdict(make_accuracies(best=0.003))

    assert "cannot tell" == verdict.answer
    assert (
        "+0.30 points with real + 30 % generated + augmentation against real + augmentation "
        "(95 % interval +0.05 to +0.55, but as the best of 2 arms -0.06 to +0.66 holds 0)"
    ) in verdict.sentence


def test_where_augmentation_hurts_the_images_alone_are_the_baseline():
    verdict = reach_verdict(make_accuracies(real=0.05))

    assert REAL == verdict.recommended
    assert "against real (" in verdict.sentence
