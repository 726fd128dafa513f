import numpy as np
import pytest
import torch

from app.training.batching.sampling_order import BalancedOrder

UNEVEN = np.array([2] * 20 + [0] * 5 + [1] * 1 + [4] * 3)  # class 3 has no images


def test_every_class_is_equally_frequent_in_every_round():
    order = BalancedOrder(UNEVEN, seed=0)

    for start in (0, 4, 400):
        assert [0, 1, 2, 4] == sorted(UNEVEN[order.indices(start, 4)].tolist())


def test_a_class_shows_all_of_its_images_before_it_shows_one_again():
    shown = BalancedOrder(UNEVEN, seed=0).indices(0, 4 * 20).numpy()

    for label, times in ((2, 1), (0, 4), (1, 20)):
        images = np.flatnonzero(label == UNEVEN)
        assert {times} == {int((shown == image).sum()) for image in images}


def test_each_epoch_of_a_class_has_an_order_of_its_own():
    shown = BalancedOrder(UNEVEN, seed=0).indices(0, 4 * 40).numpy()
    large = shown[UNEVEN[shown] == 2]

    assert sorted(large[:20]) == sorted(large[20:])
    assert large[:20].tolist() != large[20:].tolist()


@pytest.mark.parametrize("start", [190, 3, 77])
def test_any_place_can_be_asked_for_first(start):
    walked = BalancedOrder(UNEVEN, seed=1).indices(0, 200)

    assert torch.equal(walked[start : start + 10], BalancedOrder(UNEVEN, seed=1).indices(start, 10))


def test_another_seed_gives_another_order():
    first, second = (BalancedOrder(UNEVEN, seed=seed).indices(0, 40) for seed in (0, 1))

    assert not torch.equal(first, second)


def test_unlabelled_images_are_one_class():
    shown = BalancedOrder(np.zeros(7, np.int64), seed=0).indices(0, 14).tolist()

    assert list(range(7)) == sorted(shown[:7])
    assert list(range(7)) == sorted(shown[7:])
