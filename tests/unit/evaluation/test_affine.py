import pytest
import torch

from app.evaluation.affine import affine_batch

STILL = {"degrees": 0.0, "scale": 0.0, "shift": 0.0, "shear": 0.0}


def move(images, seed=0, **ranges):
    return affine_batch(images, **STILL | ranges, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(8, 8), (6, 10)], ids=str)
def test_without_ranges_nothing_moves(size):
    images = torch.rand(3, 1, *size)

    assert torch.allclose(images, move(images), atol=1e-6)


@pytest.mark.parametrize("name", ["degrees", "scale", "shift", "shear"])
def test_each_range_moves_something(name):
    images = torch.rand(3, 1, 8, 8)

    assert not torch.allclose(images, move(images, **{name: 0.5 if name in {"scale", "shift"} else 30.0}), atol=1e-2)


def test_moves_follow_from_the_seed_and_differ_between_images():
    images = torch.rand(1, 3, 8, 8).repeat(2, 1, 1, 1)

    moved = move(images, degrees=20.0)

    assert torch.equal(moved, move(images, degrees=20.0))
    assert not torch.equal(moved, move(images, seed=1, degrees=20.0))
    assert not torch.equal(moved[0], moved[1])


def test_borders_are_continued():
    images = torch.full((4, 1, 8, 8), -1.0)

    assert torch.allclose(images, move(images, degrees=45.0, shift=0.5, shear=20.0))


def test_a_shift_stays_within_its_fraction_of_the_side():
    ramp = torch.linspace(-1, 1, 101).expand(64, 1, 5, 101)

    centre = move(ramp, shift=0.1)[:, 0, 2, 50]

    assert centre.abs().max() <= 0.2 + 1e-4
    assert centre.abs().max() > 0.15


def test_a_turn_keeps_the_shape_of_what_is_on_an_image_that_is_not_square():
    rows, columns = torch.meshgrid(torch.arange(20) - 9.5, torch.arange(60) - 29.5, indexing="ij")
    disc = ((rows**2 + columns**2) < 36).float().expand(16, 1, 20, 60)

    assert (move(disc, degrees=90.0) - disc).abs().mean() < 0.01
