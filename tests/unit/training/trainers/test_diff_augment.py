import pytest
import torch

from app.training.randomness import create_generator
from app.training.trainers.diff_augment import AdaptiveProbability, DiffAugment, paired_target

ALL = ("color", "translation", "cutout")


def make_images(*, count=64, channels=3, height=16, width=16, seed=0):
    images = torch.rand(count, channels, height, width, generator=create_generator(seed, "images", 0)) * 2 - 1
    return images.contiguous(memory_format=torch.channels_last)


def change(images, policies=ALL, *, probability=1.0, seed=0):
    return DiffAugment(policies)(images, probability=probability, generator=create_generator(seed, "augment", 0))


@pytest.mark.parametrize("channels", [1, 3])
def test_equal_inputs_give_equal_changes(channels):
    images = make_images(channels=channels)

    assert torch.equal(change(images), change(images))
    assert not torch.equal(change(images), change(images, seed=1))


@pytest.mark.parametrize("policy", ALL)
def test_at_probability_zero_nothing_changes(policy):
    images = make_images()

    assert torch.equal(images, change(images, [policy], probability=0.0))


def test_no_policies_change_nothing():
    images = make_images()

    assert torch.equal(images, change(images, []))


@pytest.mark.parametrize("policy", ALL)
def test_about_the_asked_share_of_images_is_changed(policy):
    images = make_images(count=400, height=8, width=8)

    changed = (change(images, [policy], probability=0.3) != images).flatten(1).any(dim=1).float().mean()

    assert 0.2 < changed < 0.4


@pytest.mark.parametrize("policy", ALL)
def test_a_higher_probability_only_adds_changes(policy):
    images = make_images()
    rarely, often = change(images, [policy], probability=0.4), change(images, [policy], probability=0.8)
    was_changed = (rarely != images).flatten(1).any(dim=1)

    assert was_changed.any()
    assert torch.equal(rarely[was_changed], often[was_changed])


@pytest.mark.parametrize("policy", ALL)
def test_every_image_is_changed_in_its_own_way(policy):
    same = make_images(count=1).expand(32, -1, -1, -1)

    assert len(change(same, [policy]).flatten(1).unique(dim=0)) > 10


@pytest.mark.parametrize("shape", [{"channels": 1}, {"channels": 3}, {"height": 12, "width": 20}])
def test_size_and_memory_layout_stay(shape):
    images = make_images(**shape)
    changed = change(images)

    assert images.shape == changed.shape
    assert changed.is_contiguous(memory_format=torch.channels_last)


def test_colours_are_brightness_then_saturation_then_contrast():
    images, augment = make_images(), DiffAugment(["color"])
    numbers = augment.draw(len(images), create_generator(0, "augment", 0))
    light, vivid, hard = numbers[:, 0, 1:].T[:, :, None, None, None]

    lit = images + light - 0.5
    grey = lit.mean(dim=1, keepdim=True)
    vivid_ones = grey + 2 * vivid * (lit - grey)
    center = vivid_ones.mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(center + (hard + 0.5) * (vivid_ones - center), change(images, ["color"]))


def test_grey_images_stay_proportional_in_colour():
    images = make_images(channels=1)
    changed = change(images, ["color"])

    centered, before = (pixels - pixels.mean(dim=(1, 2, 3), keepdim=True) for pixels in (changed, images))
    factors = (centered * before).sum(dim=(1, 2, 3)) / before.square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(centered, factors[:, None, None, None] * before)
    assert factors.min() >= 0.5 - 1e-5
    assert factors.max() <= 1.5 + 1e-5


def find_shift(image, changed, largest):
    """Return the shifts, down and right, that lead from one image to the other."""
    height, width = image.shape[1:]
    padded = torch.nn.functional.pad(image, (largest,) * 4)
    shifts = [(down, right) for down in range(-largest, largest + 1) for right in range(-largest, largest + 1)]
    return [
        (down, right)
        for down, right in shifts
        if torch.equal(changed, padded[:, largest - down :, largest - right :][:, :height, :width])
    ]


def test_translation_shifts_by_up_to_an_eighth_and_fills_with_grey():
    images = make_images(count=200, height=16, width=24)
    changed = change(images, ["translation"])

    shifts = [find_shift(*pair, largest=3) for pair in zip(images, changed, strict=True)]
    assert {1} == {len(found) for found in shifts}
    assert set(range(-2, 3)) == {found[0][0] for found in shifts}
    assert set(range(-3, 4)) == {found[0][1] for found in shifts}


def test_cutout_leaves_at_most_a_square_of_half_the_side_grey():
    images = make_images(count=200)
    changed = change(images, ["cutout"])
    holes = (changed != images).any(dim=1)

    rows, columns = holes.any(dim=2), holes.any(dim=1)
    assert torch.equal(holes, rows[:, :, None] & columns[:, None, :])
    assert torch.all(changed.movedim(1, -1)[holes] == 0)
    assert {4, 5, 6, 7, 8} == set(rows.sum(dim=1).tolist())
    assert {4, 5, 6, 7, 8} == set(columns.sum(dim=1).tolist())


def test_changes_are_differentiable():
    images = make_images(count=3, channels=3, height=5, width=6).double().requires_grad_()

    assert torch.autograd.gradcheck(change, (images,), fast_mode=True)


def test_no_gradient_reaches_what_is_cut_out_or_shifted_out():
    images = make_images().requires_grad_()

    (gradient,) = torch.autograd.grad(change(images, ["translation", "cutout"]).sum(), images)

    assert {0.0, 1.0} == set(gradient.unique().tolist())


def test_lanes_that_share_the_drawn_numbers_make_the_changes_of_one():
    images, augment = make_images(), DiffAugment(ALL)
    numbers = augment.draw(len(images), create_generator(0, "augment", 0))

    halves = [augment.apply(images[lane::2], numbers[lane::2], probability=0.7) for lane in (0, 1)]

    whole = change(images, probability=0.7)
    assert torch.equal(whole[0::2], halves[0])
    assert torch.equal(whole[1::2], halves[1])


def scores(positive, count=100):
    """Make scores of which a share is positive."""
    return torch.where(torch.arange(count) < positive * count, 1.0, -1.0)


def run(controller, real, fake=None, *, updates):
    for _ in range(updates):
        controller.update(real, torch.zeros_like(real) if fake is None else fake)
    return controller.value


def test_the_chance_rises_with_images_seen_while_the_discriminator_is_too_sure():
    assert pytest.approx(0.4) == run(AdaptiveProbability(ramp_images=10_000), scores(0.9), updates=40)


def test_the_chance_falls_while_it_is_not_and_stays_within_its_bounds():
    controller = AdaptiveProbability(ramp_images=10_000)

    assert 0.85 == run(controller, scores(0.9), updates=200)
    assert pytest.approx(0.45) == run(controller, scores(0.7), updates=40)
    assert 0.0 == run(controller, scores(0.7), updates=200)


def test_the_target_is_the_mean_sign_of_scores():
    assert 0.0 == run(AdaptiveProbability(target=0.6, ramp_images=10_000), scores(0.79), updates=8)
    assert run(AdaptiveProbability(target=0.6, ramp_images=10_000), scores(0.81), updates=8) > 0


def test_pairs_do_not_mind_where_the_scores_lie():
    far = 100.0 * torch.ones(100)
    controller = AdaptiveProbability(paired=True, ramp_images=10_000)

    assert 0.0 == run(controller, far + scores(0.7), far, updates=40)
    assert run(controller, far + scores(0.95), far, updates=40) > 0


def test_the_paired_target_asks_for_as_much_as_the_single_one():
    centre = 0.8416  # of which 80 % of a normal distribution of width 1 is above zero
    source = create_generator(0, "scores", 0)
    real, fake = (sign * centre + torch.randn(200_000, generator=source) for sign in (1, -1))

    assert pytest.approx(0.6, abs=0.01) == float(real.sign().mean())
    assert pytest.approx(paired_target(0.6), abs=0.01) == float((real - fake).sign().mean())
    assert 0.0 == paired_target(0.0)


def test_a_restored_controller_goes_on_exactly():
    controller = AdaptiveProbability(ramp_images=10_000)
    run(controller, scores(0.9), updates=10)
    restored = AdaptiveProbability(ramp_images=10_000)

    restored.load_state(controller.state())

    assert torch.equal(controller.state(), restored.state())
    assert run(controller, scores(0.9), updates=7) == run(restored, scores(0.9), updates=7)


def test_lanes_agree_on_the_chance():
    sure = AdaptiveProbability(ramp_images=5_000, average=lambda own: (own - 1.0) / 2)

    assert 0.0 == run(sure, scores(1.0), updates=8)
