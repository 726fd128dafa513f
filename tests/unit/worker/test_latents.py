import numpy as np

from app.core.seeds import draw_latents
from app.schemas.jobs import IndexRun
from app.worker.latents import draw_run_latents


def test_each_run_has_the_latents_of_its_own_seed_and_indices():
    runs = [IndexRun(2**63 - 1, 2**62, 3, 1.0), IndexRun(4, 0, 1, 1.0), IndexRun(4, 7, 2, 1.0)]

    drawn = draw_run_latents(runs, 5)

    expected = [draw_latents(run.seed, run.first_index + np.arange(run.count), 5) for run in runs]
    assert np.array_equal(np.concatenate(expected), drawn)
    assert np.float32 == drawn.dtype


def test_truncation_scales_the_latents_of_its_run_only():
    runs = [IndexRun(1, 0, 2, 0.5), IndexRun(1, 0, 2, 1.0)]

    drawn = draw_run_latents(runs, 5)

    assert np.array_equal(drawn[2:] * np.float32(0.5), drawn[:2])


def test_latents_are_drawn_from_the_prior_of_the_model():
    run = IndexRun(5, 3, 4, 0.5)

    drawn = draw_run_latents([run], 6, "uniform")

    expected = draw_latents(5, np.arange(3, 7), 6, "uniform") * np.float32(0.5)
    assert np.array_equal(expected, drawn)
