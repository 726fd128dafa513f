import numpy as np
import pytest
import scipy.special
import scipy.stats

from app.core import seeds
from app.core.seeds import (
    SEED_LIMIT,
    Stream,
    draw_labels,
    draw_latents,
    draw_seed,
    draw_words,
    normal_quantile,
    philox,
)

# Known answers of Philox4x32-10, as published with Salmon et al. 2011.
KNOWN_ANSWERS = [
    ((0x00000000,) * 4, (0x00000000,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, expected):
    words = philox(np.array(counter, dtype=np.uint32).reshape(4, 1), key)

    assert expected == tuple(words[:, 0].tolist())


def test_quantiles_agree_with_a_reference_to_fourteen_digits():
    p = np.concatenate([np.linspace(1e-10, 1 - 1e-10, 20_001), [2.0**-33, 1 - 2.0**-33]])

    np.testing.assert_allclose(normal_quantile(p), scipy.special.ndtri(p), rtol=1e-14, atol=1e-14)


def test_latents_of_a_sample_do_not_depend_on_its_neighbours():
    together = draw_latents(7, np.arange(100), 33)

    alone = np.concatenate([draw_latents(7, np.array([index]), 33) for index in range(100)])

    np.testing.assert_array_equal(alone, together)


def test_latents_keep_their_bits_for_ever():
    latents = draw_latents(42, np.array([0, 1, 2**62]), 2)

    expected = [
        "-0x1.476f840000000p-1",
        "-0x1.69616c0000000p-6",
        "-0x1.8fcec00000000p-1",
        "0x1.814f6c0000000p-1",
        "-0x1.5d1c660000000p+0",
        "0x1.5a4b8a0000000p-1",
    ]
    assert expected == [float(value).hex() for value in latents.flatten()]


def test_latents_are_standard_normal():
    latents = draw_latents(1, np.arange(20_000), 8).astype(np.float64)

    assert abs(latents.mean()) < 0.01
    assert abs(latents.std() - 1) < 0.01
    assert abs(np.corrcoef(latents.T) - np.eye(8)).max() < 0.03


def test_labels_are_uniform_over_classes():
    counts = np.bincount(draw_labels(5, np.arange(30_000), 3), minlength=3)

    assert abs(counts / 10_000 - 1).max() < 0.03


def test_a_longer_draw_starts_with_the_shorter_one():
    indices = np.arange(5)

    short = draw_words(9, indices, Stream.LATENT, 3)

    np.testing.assert_array_equal(short, draw_words(9, indices, Stream.LATENT, 11)[:, :3])


def test_streams_of_one_sample_differ():
    words = {stream: draw_words(9, np.array([4]), stream, 4).tobytes() for stream in Stream}

    assert len(Stream) == len(set(words.values()))


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, SEED_LIMIT - 1])
@pytest.mark.parametrize("index", [0, 2**32 - 1, 2**32, 2**63 - 1])
def test_all_bits_of_seed_and_index_count(seed, index):
    here = draw_words(seed, np.array([index]), Stream.LATENT, 4)

    assert not np.array_equal(here, draw_words(seed ^ (1 << 40), np.array([index]), Stream.LATENT, 4))
    assert not np.array_equal(here, draw_words(seed, np.array([index ^ (1 << 40)]), Stream.LATENT, 4))


def test_drawn_seeds_differ_and_fit_a_double():
    seeds = {draw_seed() for _ in range(100)}

    assert 100 == len(seeds)
    assert max(seeds) < 2**53


@pytest.mark.parametrize("prior", ["normal", "uniform", "truncated"])
def test_latents_follow_their_prior(prior):
    latents = np.sort(draw_latents(3, np.arange(5_000), 8, prior).astype(np.float64), axis=None)

    distribution = {
        "normal": scipy.stats.norm(),
        "uniform": scipy.stats.uniform(-1, 2),
        "truncated": scipy.stats.truncnorm(-2, 2),
    }[prior]
    expected = (np.arange(latents.size) + 0.5) / latents.size
    assert abs(distribution.cdf(latents) - expected).max() < 0.01


def test_uniform_latents_are_exact_and_never_reach_an_end(monkeypatch):
    words = np.array([[0, 255, 256, 2**31 - 1, 2**31, 2**32 - 1]], dtype=np.uint32)
    monkeypatch.setattr(seeds, "draw_words", lambda *_: words)

    latents = draw_latents(0, np.arange(1), 6, "uniform")

    step = 2.0**-24
    assert [-1 + step, -1 + step, -1 + 3 * step, -step, step, 1 - step] == latents[0].astype(np.float64).tolist()


def test_truncated_latents_stay_within_two_at_the_last_word(monkeypatch):
    words = np.array([[0, 2**32 - 1]], dtype=np.uint32)
    monkeypatch.setattr(seeds, "draw_words", lambda *_: words)

    latents = draw_latents(0, np.arange(1), 2, "truncated")[0]

    assert -2 <= latents[0] < -1.999999
    assert 1.999999 < latents[1] <= 2


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        ("uniform", ["-0x1.e8fa3c0000000p-2", "-0x1.2051400000000p-6"]),
        ("truncated", ["-0x1.3681c60000000p-1", "-0x1.58ef660000000p-6"]),
    ],
)
def test_latents_of_other_priors_keep_their_bits_for_ever(prior, expected):
    latents = draw_latents(42, np.array([0]), 2, prior)

    assert expected == [float(value).hex() for value in latents.flatten()]
