import numpy as np
import pytest
import torch

from app.evaluation.classifier import ClassifierRecipe, measure_accuracy
from app.evaluation.sampling import Samples
from app.studies.arms import AUGMENTED, REAL, Arm, create_arms, find_agreeing, mix_batches, train_arm

CPU = torch.device("cpu")
HALF = Arm(0.5, augmented=False)


def make_flat(value, count, label):
    return Samples(np.full((count, 8, 8, 1), value, np.uint8), np.full(count, label, np.int64))


def train(real, generated, arm, *, steps=12, seed=0):
    return train_arm(real, generated, arm, steps=steps, seed=seed, device=CPU)


def mix(share, *, num_real=5, num_generated=7, **recipe):
    batches = mix_batches(
        make_flat(0, num_real, 0),
        make_flat(255, num_generated, 1),
        share,
        ClassifierRecipe(**{"steps": 10, "batch_size": 16, "augment": None} | recipe),
        CPU,
    )
    return list(batches)


def test_a_study_has_baselines_generated_images_alone_and_every_mix():
    names = [arm.name for arm in create_arms([0.5, 0.125])]

    assert ["real", "real + augmentation", "generated"] == names[:3]
    assert {
        f"real + {share} % generated{kept}{augmentation}"
        for share in ("12.5", "50")
        for kept in ("", " kept")
        for augmentation in ("", " + augmentation")
    } == set(names[3:])
    assert 11 == len(names)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 1.0])
def test_batches_hold_the_share_of_generated_images(share):
    batches = mix(share)
    generated = sum(int(labels.sum()) for _, labels in batches)

    assert [16] * 10 == [len(images) for images, _ in batches]
    assert abs(share * 160 - generated) <= 1
    assert all(torch.equal(labels == 1, images.mean(dim=(1, 2, 3)) > 0) for images, labels in batches)


def test_every_real_image_is_seen_as_often_as_any_other():
    real = Samples(np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1), np.arange(8))
    recipe = ClassifierRecipe(steps=6, batch_size=4, augment=None)

    seen = torch.cat([labels for _, labels in mix_batches(real, real, 0.0, recipe, CPU)])

    assert [3] * 8 == seen.bincount().tolist()


def test_batches_follow_from_the_seed(make_halves):
    real, generated = make_halves(), make_halves(seed=1)

    first, again, other = (
        next(mix_batches(real, generated, 0.3, ClassifierRecipe(seed=seed), CPU))[0] for seed in (1, 1, 2)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_classifier_learns_from_real_images(make_halves):
    network = train(make_halves(), None, REAL, steps=20)

    assert measure_accuracy(network, make_halves(seed=1).images, make_halves(seed=1).labels) > 0.95


def test_a_classifier_learns_from_generated_images_alone_what_they_say(make_halves):
    real, test = make_halves(), make_halves(seed=1)
    wrong = Samples(real.images, 1 - real.labels)

    network = train(real, wrong, Arm(1.0, augmented=False), steps=20)

    assert measure_accuracy(network, test.images, test.labels) < 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_the_network_is_half_as_wide_as_the_judge(make_halves, channels):
    network = train(make_halves(channels=channels), None, AUGMENTED, steps=1)

    assert {1: 16, 3: 32}[channels] == network.levels[0].out_channels


@pytest.mark.parametrize("generated", [None, make_flat(0, 0, 0)], ids=["none", "all filtered out"])
def test_a_mix_without_generated_images_is_its_baseline(make_halves, generated):
    mixed, alone = train(make_halves(), generated, HALF, steps=2), train(make_halves(), None, REAL, steps=2)

    assert torch.equal(alone.project.weight, mixed.project.weight)


def test_the_filter_keeps_what_is_taken_for_what_was_asked(make_halves):
    real = make_halves()
    network = train(real, None, REAL, steps=20)
    labels = real.labels.copy()
    labels[:6] = 1 - labels[:6]

    agreed = find_agreeing(network, Samples(real.images, labels), 0.5)

    assert [False] * 6 + [True] * 18 == agreed.tolist()


def test_a_filter_that_must_be_surer_keeps_less(make_halves):
    network = train(make_halves(), None, REAL, steps=6)
    samples = Samples(make_halves(seed=2).images, make_halves(seed=2).labels)

    kept = [int(find_agreeing(network, samples, confidence).sum()) for confidence in (0.0, 0.7, 0.999999)]

    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[-1]
