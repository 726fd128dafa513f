import time

import pytest
import torch

from app.core.errors import WorkerError
from app.worker.agreement import Agreed, keep_worthwhile, measure_agreement

SIZES = (4, 16, 64)


def measure(forward, sizes=SIZES):
    steps = measure_agreement(forward, torch.arange(sizes[-1]), sizes, time.perf_counter)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def run(forward, sizes=SIZES):
    return tuple(agreed.size for agreed in measure(forward, sizes))


def make_images(rows):
    return rows[:, None].float() / 64


def test_sizes_that_make_the_same_samples_agree():
    assert SIZES == run(make_images)


def test_a_single_size_agrees_with_itself():
    assert (16,) == run(make_images, (16,))


def test_a_size_with_a_difference_in_the_last_bit_is_dropped():
    def forward(rows):
        images = make_images(rows)
        return torch.nextafter(images, images + 1) if len(rows) == 4 else images

    assert (16, 64) == run(forward)


def test_a_size_that_differs_at_one_place_only_is_dropped():
    def forward(rows):
        images = make_images(rows)
        if len(rows) == 16:
            images[-1] += 1e-3
        return images

    assert (4, 64) == run(forward)


def test_samples_that_depend_on_their_place_are_refused():
    def forward(rows):
        images = make_images(rows)
        images[0] += 1e-3
        return images

    with pytest.raises(WorkerError, match="place"):
        run(forward)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(WorkerError, match="finite"):
        run(lambda rows: make_images(rows) * float("nan"))


def test_other_work_can_be_done_between_passes():
    steps = measure_agreement(make_images, torch.arange(64), SIZES, time.perf_counter)

    assert 9 == sum(1 for _ in steps)


def test_each_size_is_timed():
    assert all(0 < agreed.seconds < 10 for agreed in measure(make_images))


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        ((1.0, 2.0, 4.0), (4, 16, 64)),
        ((1.0, 2.0, 8.0), (4, 16)),
        ((1.0, 4.0, 8.0), (4, 64)),
        ((1.0, 4.0, 16.0), (4,)),
        ((1.0, 2.0, 7.5), (4, 16)),
    ],
)
def test_a_size_that_makes_samples_no_faster_than_a_smaller_one_is_left_out(seconds, kept):
    assert kept == keep_worthwhile(list(map(Agreed, SIZES, seconds)), overhead_s=0.0, gain=0.1)


def test_what_a_batch_costs_beside_its_pass_speaks_for_larger_ones():
    agreed = list(map(Agreed, SIZES, (1.0, 4.0, 16.0)))

    assert (4, 16) == keep_worthwhile(agreed, overhead_s=0.5, gain=0.1)
