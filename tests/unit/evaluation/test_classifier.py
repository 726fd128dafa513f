import numpy as np
import pytest
import torch

from app.evaluation.classifier import (
    Classifier,
    ClassifierRecipe,
    measure_accuracy,
    one_cycle,
    to_images,
    train_classifier,
    turn_images,
)

SHORT = ClassifierRecipe(steps=12, batch_size=16)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (100, 100), (128, 128), (9, 40), (1, 8)], ids=str)
def test_every_size_and_colour_has_its_network(size, channels):
    network = Classifier(*size, channels, 5).eval()

    images = torch.zeros(2, channels, *size)

    assert (2, 128) == network.features(images).shape
    assert (2, 5) == network(images).shape
    assert network.features(torch.randn(2, channels, *size)).min() >= 0


def test_the_network_for_mnist_is_small():
    assert 131_050 == sum(parameter.numel() for parameter in Classifier(28, 28, 1, 10).parameters())


def test_pixels_become_images_from_minus_one_to_one():
    images = to_images(torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 2, 1))

    assert [-1.0, 1.0] == images.flatten().tolist()


def test_training_learns_what_a_glance_tells(make_halves):
    train, test = make_halves(), make_halves(seed=1)
    steps = []

    network = train_classifier(
        train.images, train.labels, 2, SHORT, on_progress=lambda done, total: steps.append((done, total))
    )

    assert measure_accuracy(network, test.images, test.labels) > 0.95
    assert (12, 12) == steps[-1]
    assert not network.training


def test_training_is_a_function_of_images_and_recipe(make_halves):
    data = make_halves()
    first, again, other = (
        train_classifier(
            data.images, data.labels, 2, ClassifierRecipe(steps=3, batch_size=16, seed=seed)
        ).project.weight
        for seed in (0, 0, 1)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_training_leaves_the_random_numbers_of_the_process_alone(make_halves):
    data = make_halves()
    before = torch.get_rng_state()

    train_classifier(data.images, data.labels, 2, ClassifierRecipe(steps=1, batch_size=4))

    assert torch.equal(before, torch.get_rng_state())


def test_without_labels_it_learns_how_images_are_turned(make_halves):
    data = make_halves()
    left = data.images[data.labels == 0]

    network = train_classifier(left, None, 0, ClassifierRecipe(steps=40, batch_size=16, augment=None))

    assert measure_accuracy(network, left, None) > 0.95


@pytest.mark.parametrize("size", [(2, 2), (2, 3)], ids=["square", "not square"])
def test_turns_are_four_different_images_of_the_same_size(size):
    image = torch.arange(1.0 * size[0] * size[1]).reshape(1, 1, *size)

    turned = turn_images(image.repeat(4, 1, 1, 1), torch.arange(4))

    assert torch.equal(image[0], turned[0])
    assert 4 == len({tuple(one.flatten().tolist()) for one in turned})


def test_the_learning_rate_rises_for_a_quarter_and_then_falls_to_nothing():
    rates = [one_cycle(progress) for progress in (0.0, 0.125, 0.25, 0.625, 1.0)]

    assert np.allclose([0.0, 0.5, 1.0, 0.5, 0.0], rates)


def test_every_recipe_has_its_own_tag():
    recipes = [ClassifierRecipe(), ClassifierRecipe(seed=1), ClassifierRecipe(augment=None), SHORT]

    assert 4 == len({recipe.tag for recipe in recipes})
    assert ClassifierRecipe().tag == ClassifierRecipe().tag


def test_colour_is_given_more_steps():
    assert ClassifierRecipe.for_judge(3).steps > ClassifierRecipe.for_judge(1).steps
