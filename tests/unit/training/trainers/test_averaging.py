import pytest
import torch

from app.training.config import AveragingConfig
from app.training.trainers.averaging import Averager
from tests.factories import make_networks


def test_a_change_counts_half_after_the_half_life():
    generator, _ = make_networks()
    averager = Averager(generator, AveragingConfig(half_life_images=1000, ramp=1.0))
    before = averager.average.dense.weight.clone()
    with torch.no_grad():
        generator.dense.weight.add_(1.0)

    for _ in range(10):
        averager.update(generator, images_seen=10**6, batch_size=100)

    torch.testing.assert_close(averager.average.dense.weight, before + 0.5)


def test_the_half_life_ramps_up_with_the_images_seen():
    averager = Averager(make_networks()[0], AveragingConfig(half_life_images=1000, ramp=0.1))

    assert pytest.approx(0.5) == averager.decay(images_seen=1000, batch_size=100)
    assert averager.decay(images_seen=10, batch_size=100) < 1e-6
    assert pytest.approx(0.5**0.1) == averager.decay(images_seen=10**9, batch_size=100)


def test_batch_norm_statistics_are_copied():
    generator, _ = make_networks()
    averager = Averager(generator, AveragingConfig())
    generator.layers[0].running_mean.fill_(3.0)

    averager.update(generator, images_seen=100, batch_size=10)

    assert torch.equal(generator.layers[0].running_mean, averager.average.layers[0].running_mean)
