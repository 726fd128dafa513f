import pytest
import torch

from app.core.errors import ModelUnhealthyError, WorkerError
from app.generators.pixels import to_pixels
from app.schemas.jobs import IndexRun, VariationRun
from app.worker.health import check_probes, judge, look_alike
from tests.factories import make_networks, make_space

RUNS = [IndexRun(1, 0, 4, 1.0)]
VARIATIONS = [VariationRun(b"", 1, 0, 0, 1, 0, 4, 0.5)]


def make_pixels(*, count=4, height=3, width=3, channels=3):
    return torch.randint(0, 256, (count, height, width, channels), dtype=torch.uint8)


def make_flat(levels, *, height=3, width=3):
    colours = torch.tensor(levels, dtype=torch.uint8)[:, None, None, :]
    return colours.expand(-1, height, width, -1).contiguous()


def make_generator():
    return make_networks()[0].eval().requires_grad_(requires_grad=False)


def spoil(generator, value):
    """Make all products of a network the same, as memory that went bad would."""
    for parameter in generator.parameters():
        parameter.fill_(value)
    return generator


def test_images_that_differ_are_not_alike():
    assert not look_alike(make_pixels())


def test_images_of_one_colour_each_are_alike():
    assert look_alike(make_flat([[0, 0, 0], [9, 0, 200], [1, 2, 3]]))


def test_one_image_with_a_picture_clears_all():
    pixels = make_flat([[0, 0, 0], [9, 0, 200], [1, 2, 3]])
    pixels[2, 1, 1, 0] = 2

    assert not look_alike(pixels)


def test_images_that_are_all_the_same_are_alike():
    assert look_alike(make_pixels(count=1).expand(5, -1, -1, -1))


def test_one_other_image_clears_all():
    pixels = make_pixels(count=1).repeat(5, 1, 1, 1)
    pixels[4, 0, 0, 0] ^= 1

    assert not look_alike(pixels)


def test_one_image_says_nothing():
    assert not look_alike(make_flat([[0, 0, 0]]))


def test_images_of_one_pixel_are_alike_only_where_they_are_the_same():
    assert not look_alike(make_flat([[1], [2], [3]], height=1, width=1))
    assert look_alike(make_flat([[2], [2], [2]], height=1, width=1))


def test_probes_that_are_all_alike_are_refused():
    with pytest.raises(ModelUnhealthyError, match="alike"):
        check_probes(make_flat([[7], [7]]))


@pytest.mark.parametrize("value", [0.0, float("nan")], ids=["constant", "not finite"])
def test_a_network_that_went_bad_in_memory_is_found_in_a_batch(value):
    generator = spoil(make_generator(), value)
    images = generator(torch.zeros(4, 8), torch.zeros(4, dtype=torch.int64))

    with pytest.raises(ModelUnhealthyError):
        judge(generator, images, to_pixels(images), RUNS)


@pytest.mark.parametrize("images", [torch.zeros(4, 1, 8, 8), torch.ones(1, 1, 8, 8).expand(16, -1, -1, -1)])
def test_a_healthy_network_may_make_images_that_are_alike(images):
    judge(make_generator(), images, to_pixels(images), RUNS)

    assert look_alike(to_pixels(images))


def test_a_healthy_network_is_not_asked_for_its_probes_again(monkeypatch):
    monkeypatch.setattr("app.worker.health.draw_probes", None)
    images = torch.rand(4, 1, 8, 8)

    judge(make_generator(), images, to_pixels(images), RUNS)

    assert not look_alike(to_pixels(images))


def test_values_that_are_not_finite_of_samples_are_the_networks_fault():
    images = torch.full((4, 1, 8, 8), float("inf"))

    with pytest.raises(ModelUnhealthyError, match="finite"):
        judge(make_generator(), images, to_pixels(torch.rand(4, 1, 8, 8)), RUNS)


def test_values_that_are_not_finite_of_a_callers_images_are_not():
    images = torch.full((4, 1, 8, 8), float("nan"))

    with pytest.raises(WorkerError) as refusal:
        judge(make_generator(), images, to_pixels(torch.rand(4, 1, 8, 8)), VARIATIONS)

    assert "worker-failed" == refusal.value.code


def test_tiny_images_of_a_network_are_judged():
    generator = make_networks(space=make_space(height=1, width=1))[0].eval()

    with torch.inference_mode():
        images = generator(torch.randn(16, 8), torch.arange(16) % 3)

    judge(generator, images, to_pixels(images), RUNS)
    assert torch.isfinite(images).all()
