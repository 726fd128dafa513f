import json
import math

import numpy as np
import pytest

from app.training.monitoring.diversity import measure_spread
from app.training.monitoring.watch import Watch, balanced_loss
from app.training.objectives.registry import create_objective

LABELS = np.repeat(np.arange(10), 12)
NAMES = [f"digit {number}" for number in range(10)]
LATE = 100_000


def draw_digits(*, seed=0, labels=LABELS):
    """Draw blurry strokes: a class is a shape, an image has its own place, width and slant."""
    source = np.random.default_rng(seed)
    down, right = np.mgrid[0:16, 0:16]
    place, slant, width = (
        source.normal(0, 2, (2, len(labels))),
        source.normal(0, 0.3, len(labels)),
        source.uniform(1, 3),
    )
    angle = (labels * np.pi / 10 + slant)[:, None, None]
    across = (right - 8 - place[0][:, None, None]) * np.cos(angle) + (down - 8 - place[1][:, None, None]) * np.sin(
        angle
    )
    return (255 * np.exp(-np.square(across / width))).astype(np.uint8)[..., None]


def make_watch():
    return Watch(class_names=NAMES, real=measure_spread(draw_digits(), LABELS), balanced_loss=math.log(2))


def look(watch, images, images_seen=LATE):
    return watch.look(images_seen, measure_spread(images, LABELS))


def read(watch, loss, *, lines=20, start=0, window=3200):
    """Read lines of a log; returns where a finding came, and the last one."""
    found = {}
    for line in range(lines):
        images_seen = start + (line + 1) * window
        for finding in watch.read_losses(images_seen, {"discriminator_loss": loss, "generator_loss": 1.0}):
            found[images_seen] = finding
    return found


def test_a_healthy_run_does_not_alarm():
    watch = make_watch()

    for step in range(1, 20):
        loss = 0.58 + 0.03 * (-1) ** step
        assert [] == watch.read_losses(25_000 * step, {"discriminator_loss": loss})
        assert [] == look(watch, draw_digits(seed=step), 25_000 * step)
        assert [] == watch.read_coverage(0.6 + 0.05 * (-1) ** step)


def test_a_constant_generator_is_a_collapse_when_it_lasts():
    watch = make_watch()
    constant = np.repeat(draw_digits()[:1], len(LABELS), axis=0)

    first, second = look(watch, constant), look(watch, constant)

    assert {"diversity", "class_diversity", "duplicates"} == {finding.measure for finding in first}
    assert {"warn"} == {finding.level for finding in first}
    assert ["collapse", "collapse", "warn"] == [finding.level for finding in second]
    assert "generated images differ from each other only 0.00 times as much as real ones: modes are being dropped" == (
        first[0].sentence
    )


def test_a_collapse_that_passes_is_forgotten():
    watch = make_watch()
    constant = np.repeat(draw_digits()[:1], len(LABELS), axis=0)

    look(watch, constant)
    look(watch, draw_digits(seed=1))

    assert {"warn"} == {finding.level for finding in look(watch, constant)}


def repeat_within(classes):
    """Draw digits of which some classes always look the same."""
    images = draw_digits(seed=1)
    for label in classes:
        images[label == LABELS] = images[label == LABELS][0]
    return images


def test_half_of_the_classes_identical_is_a_collapse_when_it_lasts():
    watch = make_watch()

    look(watch, repeat_within(range(5)))
    found = {finding.measure: finding for finding in look(watch, repeat_within(range(5)))}

    assert "collapse" == found["class_diversity"].level
    assert found["class_diversity"].sentence.startswith("classes digit 0, digit 1, digit 2, digit 3, digit 4: ")
    assert "52% of the generated images" in found["duplicates"].sentence


def test_one_class_that_repeats_itself_is_named_and_only_warned_of():
    watch = make_watch()

    for _ in range(5):
        [finding] = look(watch, repeat_within([7]))

    assert "warn" == finding.level
    assert "class digit 7: generated images differ from each other only 0.00 times as much as real ones" == (
        finding.sentence
    )


def test_many_classes_are_not_all_listed():
    [finding, *_] = look(make_watch(), repeat_within(range(8)))

    assert "digit 4 and 3 more: " in finding.sentence
    assert finding.sentence.endswith("0.00 times as much as real ones at worst")


def test_without_classes_only_all_images_together_are_judged():
    watch = Watch(class_names=[], real=measure_spread(draw_digits(), None), balanced_loss=None)

    found = watch.look(LATE, measure_spread(repeat_within(range(10)), None))

    assert ["duplicates"] == [finding.measure for finding in found]


def test_samples_are_not_judged_at_the_start_of_a_run():
    assert [] == look(make_watch(), np.zeros_like(draw_digits()), images_seen=30_000)


def test_without_real_images_samples_are_not_judged():
    watch = Watch(class_names=NAMES, real=None, balanced_loss=None)

    assert [] == look(watch, np.zeros_like(draw_digits()))


def test_real_images_that_are_all_the_same_are_no_measure():
    same = measure_spread(np.zeros_like(draw_digits()), LABELS)
    watch = Watch(class_names=NAMES, real=same, balanced_loss=None)

    assert [] == watch.look(LATE, same)


def test_a_discriminator_that_wins_is_said_when_it_lasts_and_again_after_a_while():
    found = read(make_watch(), 0.02, lines=25)

    assert [16_000, 67_200] == list(found)
    assert {"warn"} == {finding.level for finding in found.values()}
    assert (
        "the discriminator wins: its loss is 0.020, where 0.693 is a draw, so the generator learns little; "
        "raise r1_gamma, r2_gamma"
    ) == found[16_000].sentence


def test_a_discriminator_that_wins_for_a_moment_is_not_worth_a_word():
    watch = make_watch()

    assert {} == read(watch, 0.02, lines=3)
    assert {} == read(watch, 0.4, lines=1, start=9600)
    assert {} == read(watch, 0.02, lines=3, start=12_800)


def test_a_draw_is_not_worth_a_word():
    assert {} == read(make_watch(), math.log(2), lines=100)


@pytest.mark.parametrize("means", [{}, {"reconstruction_loss": 0.0}])
def test_a_run_without_a_discriminator_is_left_alone(means):
    watch = make_watch()

    assert [] == [finding for line in range(1, 20) for finding in watch.read_losses(10_000 * line, means)]


@pytest.mark.parametrize(
    ("objective", "loss"),
    [
        ("relativistic", math.log(2)),
        ("non_saturating", 2 * math.log(2)),
        ("hinge", 2.0),
        ("least_squares", 0.25),
        ("wasserstein_gp", None),
    ],
)
def test_a_draw_has_the_loss_of_equal_scores(objective, loss):
    assert pytest.approx(loss) == balanced_loss(create_objective(objective))


def test_a_fall_of_coverage_by_a_third_is_a_collapse():
    watch = make_watch()

    assert [[], [], []] == [watch.read_coverage(value) for value in (0.3, 0.61, 0.45)]
    [finding] = watch.read_coverage(0.38)
    assert ("collapse", "coverage fell from 0.61 to 0.38") == (finding.level, finding.sentence)


def test_coverage_that_never_was_is_not_mourned():
    watch = make_watch()

    assert [[], []] == [watch.read_coverage(value) for value in (0.09, 0.01)]


def test_a_restored_watch_goes_on_exactly():
    watch, restored = make_watch(), make_watch()
    constant = np.repeat(draw_digits()[:1], len(LABELS), axis=0)
    read(watch, 0.02, lines=2)
    watch.read_coverage(0.6)
    look(watch, constant)

    restored.load_state(json.loads(json.dumps(watch.state())))

    assert watch.state() == restored.state()
    assert read(watch, 0.02, start=6400) == read(restored, 0.02, start=6400)
    assert look(watch, constant) == look(restored, constant)
    assert watch.read_coverage(0.2) == restored.read_coverage(0.2)
