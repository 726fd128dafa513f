import msgspec
import numpy as np
import pytest
import torch

from app.augmentation.cpu import render
from app.augmentation.policy import Policy
from app.augmentation.samples import plan_samples
from app.schemas.jobs import IndexRun, ModelRef, PathRun, RowsRun, SampleBatch
from app.worker.augmenting import augment_batch, execute_on_cpu

SHAPE = (8, 8, 1)
OPS = [
    {"op": "rotate", "degrees": [-40.0, 40.0], "fill": "reflect"},
    {"op": "one_of", "ops": [{"op": "invert"}, {"op": "flip"}]},
]
POLICY = msgspec.json.encode(OPS)
GROWING = b'[{"op":"pad_to","height":9,"width":9}]'


def make_pixels(count):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, *SHAPE), dtype=np.uint8))


def make_batch(runs, policies):
    return SampleBatch(1, ModelRef("tiny", 1, "0" * 64), 0, 16, tuple(runs), b"", tuple(policies))


def run_alone(pixels, seed, index, policy=POLICY):
    batch = make_batch([IndexRun(seed, index, 1, 1.0)], [policy])
    pixels = pixels[None].clone()
    augment_batch(batch, pixels, execute_on_cpu)
    return pixels[0]


def test_each_run_has_its_own_policy_and_padding_is_left_alone():
    pixels = make_pixels(8)
    before = pixels.clone()
    batch = make_batch([IndexRun(3, 5, 2, 1.0), IndexRun(3, 5, 2, 1.0), IndexRun(3, 5, 2, 1.0)], [POLICY, b"", b"[]"])

    refused = augment_batch(batch, pixels, execute_on_cpu)

    assert () == refused
    assert not torch.equal(before[:2], pixels[:2])
    assert torch.equal(before[2:], pixels[2:])


def test_what_becomes_of_a_sample_hangs_on_seed_and_index_alone():
    pixels = make_pixels(12)
    before = pixels.clone()
    scattered = np.array([9, 2, 2**62], dtype="<i8").tobytes()
    batch = make_batch([IndexRun(3, 0, 9, 1.0), RowsRun(4, scattered, 3, 0.5)], [POLICY, POLICY])

    augment_batch(batch, pixels, execute_on_cpu)

    places = [(3, index) for index in range(9)] + [(4, 9), (4, 2), (4, 2**62)]
    alone = [run_alone(one, seed, index) for one, (seed, index) in zip(before, places, strict=True)]
    assert torch.equal(torch.stack(alone), pixels)


def test_samples_are_augmented_as_uploads_are():
    pixels = make_pixels(5)
    expected = list(
        render(plan_samples(Policy(ops=OPS).ops, 3, np.arange(5), SHAPE), list(pixels.numpy()), np.arange(5))
    )

    augment_batch(make_batch([IndexRun(3, 0, 5, 1.0)], [POLICY]), pixels, execute_on_cpu)

    np.testing.assert_array_equal(expected, pixels.numpy())


@pytest.mark.parametrize(
    ("run", "policy", "code"),
    [
        (IndexRun(3, 0, 2, 1.0), GROWING, "invalid-parameter"),
        (IndexRun(3, 0, 2, 1.0), b'[{"op":"resize","height":999,"width":999}]', "limit-exceeded"),
        (IndexRun(3, 0, 2, 1.0), b'[{"op":"mixup"}]', "invalid-parameter"),
        (IndexRun(3, 0, 2, 1.0), b"[{}]", "worker-failed"),
        (PathRun(1, 2, 3, 4, 5, 0, 2, True, 1.0), POLICY, "worker-failed"),
    ],
)
def test_a_run_that_cannot_be_augmented_does_not_touch_others(run, policy, code):
    pixels = make_pixels(4)
    expected = [run_alone(pixels[number], 7, number - 2) for number in (2, 3)]

    [refused] = augment_batch(make_batch([run, IndexRun(7, 0, 2, 1.0)], [policy, POLICY]), pixels, execute_on_cpu)

    assert (0, code) == (refused.number, refused.code)
    assert torch.equal(torch.stack(expected), pixels[2:])
