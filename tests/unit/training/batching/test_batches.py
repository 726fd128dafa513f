import numpy as np
import torch

from app.data.dataset import build_dataset
from app.training.batching.batches import BatchSource


def make_dataset(size=10):
    images = np.arange(size, dtype=np.uint8).repeat(4).reshape(size, 2, 2, 1)
    images[:, :, 1] += 100
    return build_dataset("made-up", images, np.arange(size) % 2, ["a", "b"])


def numbers(images):
    return ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_every_epoch_shows_every_image_once():
    source = BatchSource(make_dataset(), batch_size=4, seed=0, mirror=False)

    shown = [number for step in range(5) for number in numbers(source.batch(step)[0])]

    assert list(range(10)) == sorted(shown[:10])
    assert list(range(10)) == sorted(shown[10:])
    assert shown[:10] != shown[10:]


def test_a_batch_may_be_larger_than_the_data():
    source = BatchSource(make_dataset(), batch_size=25, seed=0, mirror=False)

    assert {2, 3} == set(torch.bincount(torch.tensor(numbers(source.batch(0)[0]))).tolist())


def test_any_step_can_be_asked_for_first():
    walked = BatchSource(make_dataset(), batch_size=3, seed=1, mirror=True)
    batches = [walked.batch(step) for step in range(20)]

    for step in (19, 3, 11):
        images, labels = BatchSource(make_dataset(), batch_size=3, seed=1, mirror=True).batch(step)
        assert torch.equal(batches[step][0], images)
        assert torch.equal(batches[step][1], labels)


def test_labels_stay_with_their_images():
    images, labels = BatchSource(make_dataset(), batch_size=10, seed=2, mirror=False).batch(0)

    assert [number % 2 for number in numbers(images)] == labels.tolist()


def test_mirroring_flips_about_half_of_the_images_left_to_right():
    source = BatchSource(make_dataset(), batch_size=200, seed=0, mirror=True)

    flipped = (source.batch(0)[0][:, 0, 0, 0] > source.batch(0)[0][:, 0, 0, 1]).float().mean()

    assert 0.35 < flipped < 0.65
