import math
from pathlib import Path

import numpy as np
import pytest
import torch

from app.evaluation.inception_network import (
    InceptionV3,
    average_pool,
    halving_pool,
    max_pool,
    prepare,
    resize,
)

TENSORS = Path(__file__).with_name("inception_tensors.txt")


def read_shapes():
    """Read names and shapes of the published weights: the convolutions from a list, what follows from them by rule."""
    shapes = {"fc.weight": (1008, 2048), "fc.bias": (1008,)}
    for line in TENSORS.read_text().splitlines():
        name, sizes = line.split()
        shape = tuple(map(int, sizes.split("x")))
        shapes[f"{name}.conv.weight"] = shape
        shapes |= {f"{name}.bn.{part}": shape[:1] for part in ("weight", "bias", "running_mean", "running_var")}
    return shapes


def draw(name, shape, seed):
    values = torch.from_numpy(np.random.default_rng(seed).random(shape, dtype=np.float32)) * 2 - 1
    if len(shape) == 1:
        return (1.0 if name.endswith(("bn.weight", "running_var")) else 0.0) + 0.1 * values
    return values * math.sqrt(6 / math.prod(shape[1:]))


@pytest.fixture(scope="module")
def network():
    """The whole network with made-up weights: half a second, 90 MiB."""
    with torch.device("meta"):
        network = InceptionV3()
    shapes = sorted(read_shapes().items())
    tensors = {name: draw(name, shape, seed) for seed, (name, shape) in enumerate(shapes)}
    counters = {name: torch.tensor(0) for name in network.state_dict() if name.endswith("tracked")}
    network.load_state_dict(tensors | counters, assign=True)
    return network.requires_grad_(requires_grad=False).eval()


@pytest.fixture(scope="module")
def pixels():
    return torch.from_numpy((np.arange(20 * 24 * 3) * 37 % 256).astype(np.uint8).reshape(1, 20, 24, 3))


def test_tensors_are_those_of_the_published_weights():
    with torch.device("meta"):
        state = InceptionV3().state_dict()

    assert read_shapes() == {
        name: tuple(tensor.shape) for name, tensor in state.items() if not name.endswith("num_batches_tracked")
    }


def test_outputs_are_those_of_the_reference_at_the_same_weights(network, pixels):
    features = network.features(pixels)

    # torch-fidelity 0.4.0, FeatureExtractorInceptionV3
    assert (1, 2048) == features.shape
    assert pytest.approx([0.894338, 0.058416, 1.051991, 1.224371], abs=1e-5) == features[0, ::512].tolist()
    unbiased, outputs = network.classify(features)[0, ::252].tolist(), network(pixels)[0, ::252].tolist()
    assert pytest.approx([0.720565, 0.505437, -0.846958, -0.539433], abs=1e-5) == unbiased
    assert pytest.approx([0.794266, 0.527605, -0.896990, -0.622478], abs=1e-5) == outputs


def test_grey_images_are_seen_as_colour_without_colour(pixels):
    grey = pixels[..., :1]

    assert torch.equal(prepare(grey.repeat(1, 1, 1, 3)), prepare(grey))


def test_pixels_are_mapped_around_128():
    levels = torch.tensor([0, 128, 192], dtype=torch.uint8).view(3, 1, 1, 1)

    prepared = prepare(levels)

    assert (3, 3, 299, 299) == prepared.shape
    assert [-1.0, 0.0, 0.5] == prepared[:, 2, 150, 298].tolist()


def test_enlarging_reads_between_corners_and_repeats_the_end():
    image = torch.tensor([[0.0, 10.0], [20.0, 30.0]]).view(1, 1, 2, 2)

    expected = [[0, 5, 10, 10], [10, 15, 20, 20], [20, 25, 30, 30], [20, 25, 30, 30]]
    assert expected == resize(image, 4)[0, 0].tolist()


def test_shrinking_takes_pixels_without_smoothing():
    row = torch.arange(6.0).square().expand(1, 1, 6, 6)

    assert [0.0, 4.0, 16.0] == resize(row, 3)[0, 0, 0].tolist()


def pool_naively(maps, combine):
    padded = range(-1, 2)
    height, width = maps.shape[2:]
    result = torch.empty_like(maps)
    for y in range(height):
        for x in range(width):
            near = [
                maps[:, :, y + dy, x + dx]
                for dy in padded
                for dx in padded
                if 0 <= y + dy < height and 0 <= x + dx < width
            ]
            result[:, :, y, x] = combine(torch.stack(near))
    return result


def test_pools_of_three_leave_out_what_is_beyond_the_border():
    maps = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))

    means, greatest = (
        pool_naively(maps, combine) for combine in (lambda near: near.mean(0), lambda near: near.amax(0))
    )

    torch.testing.assert_close(average_pool(maps), means)
    assert torch.equal(greatest, max_pool(maps))
    assert torch.equal(greatest[:, :, 1:3:2, 1:4:2], halving_pool(maps))


def test_only_the_last_block_pools_by_the_maximum(network):
    pools = {name[6:]: block.pool for name, block in network.named_children() if name.startswith("Mixed")}

    assert {"7c"} == {name for name, pool in pools.items() if pool is max_pool}
    assert {"6a", "7a"} == {name for name, pool in pools.items() if pool is halving_pool}
    assert {average_pool, max_pool, halving_pool} == set(pools.values())
