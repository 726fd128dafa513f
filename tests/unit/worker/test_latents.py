import numpy as np
import pytest

from app.core.seeds import Stream, draw_latents
from app.schemas.jobs import IndexRun, PathRun, VariationRun
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


def make_path(first_frame=0, count=5, *, is_spherical=True, num_frames=5, truncation=1.0):
    return PathRun(3, 8, 2**62, 1, num_frames, first_frame, count, is_spherical, truncation)


@pytest.mark.parametrize("is_spherical", [True, False])
def test_a_path_begins_and_ends_at_its_samples(is_spherical):
    drawn = draw_run_latents([make_path(is_spherical=is_spherical)], 7)

    assert np.array_equal(draw_latents(3, np.array([8]), 7)[0], drawn[0])
    assert np.array_equal(draw_latents(2**62, np.array([1]), 7)[0], drawn[-1])


def test_the_middle_of_a_path_is_as_far_from_both_ends():
    first, last = (draw_run_latents([IndexRun(seed, index, 1, 1.0)], 7)[0] for seed, index in ((3, 8), (2**62, 1)))

    straight = draw_run_latents([make_path(is_spherical=False)], 7)[2]
    spherical = draw_run_latents([make_path()], 7)[2]

    assert np.allclose((first + last) / 2, straight, atol=1e-6)
    assert np.allclose((first + last) / np.sqrt(2), spherical, atol=1e-6)


def test_a_spherical_path_keeps_the_spread_of_latents():
    frames = draw_run_latents([make_path(num_frames=9, count=9)], 20_000)

    assert np.allclose(1.0, frames.std(axis=1), atol=0.02)


def test_a_path_can_be_cut_anywhere_and_mixed_with_samples():
    runs = [make_path(3, 2, truncation=0.5), IndexRun(4, 7, 2, 1.0), make_path(0, 3)]

    drawn = draw_run_latents(runs, 6)

    whole = draw_run_latents([make_path()], 6)
    assert np.array_equal(whole[3:] * np.float32(0.5), drawn[:2])
    assert np.array_equal(draw_latents(4, np.array([7, 8]), 6), drawn[2:4])
    assert np.array_equal(whole[:3], drawn[4:])


def make_variations(strength, *, image=0, first_copy=0, count=3, known=None):
    known = np.arange(6, dtype=np.float32) if known is None else known
    return VariationRun(
        known.astype("<f4").tobytes(), 5, image, first_copy, copies=10, skip=0, count=count, strength=strength
    )


def test_variations_without_strength_are_the_image_itself():
    drawn = draw_run_latents([make_variations(0.0)], 6)

    assert np.array_equal(np.tile(np.arange(6, dtype=np.float32), (3, 1)), drawn)


def test_variations_of_full_strength_are_samples_of_their_own_stream():
    drawn = draw_run_latents([make_variations(1.0, image=2)], 6)

    assert np.array_equal(draw_latents(5, (2 << 32) + np.arange(3), 6, stream=Stream.VARIATION), drawn)
    assert not np.array_equal(draw_latents(5, (2 << 32) + np.arange(3), 6), drawn)


def test_variations_keep_the_spread_of_latents():
    known = np.random.default_rng(0).standard_normal(50_000).astype(np.float32)

    drawn = draw_run_latents([make_variations(0.6, known=known)], 50_000)

    assert np.allclose(1.0, drawn.std(axis=1), atol=0.02)
    assert pytest.approx(0.8, abs=0.02) == np.corrcoef(known, drawn[0])[0, 1]


def test_a_variation_does_not_depend_on_the_others():
    whole = draw_run_latents([make_variations(0.5, image=1, count=5)], 6)

    assert np.array_equal(whole[3:], draw_run_latents([make_variations(0.5, image=1, first_copy=3, count=2)], 6))


def test_variations_of_several_images_are_those_of_each():
    known = np.arange(12, dtype=np.float32)
    whole = VariationRun(known.astype("<f4").tobytes(), 5, 1, 0, copies=3, skip=0, count=6, strength=0.5)
    part = VariationRun(known.astype("<f4").tobytes(), 5, 1, 0, copies=3, skip=2, count=3, strength=0.5)

    drawn = draw_run_latents([whole], 6)

    for number in (0, 1):
        alone = make_variations(0.5, image=1 + number, known=known[6 * number : 6 * number + 6])
        assert np.array_equal(draw_run_latents([alone], 6), drawn[3 * number : 3 * number + 3])
    assert np.array_equal(drawn[2:5], draw_run_latents([part], 6))
