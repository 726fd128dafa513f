import torch

from app.generators.pixels import to_pixels


def test_levels_are_rounded_to_nearest_and_clipped():
    images = torch.tensor([-2.0, -1.0, 0.0, 1 / 127.5 * 0.51, 1.0, 3.0]).reshape(1, 1, 1, 6)

    assert [0, 0, 128, 128, 255, 255] == to_pixels(images).flatten().tolist()


def test_channels_come_last():
    images = torch.linspace(-1, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5)

    pixels = to_pixels(images)

    assert (2, 4, 5, 3) == tuple(pixels.shape)
    assert torch.uint8 == pixels.dtype
    assert torch.equal(to_pixels(images[1:, 2:])[0, :, :, 0], pixels[1, :, :, 2])
