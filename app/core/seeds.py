"""The random numbers of a sample: a pure function of (seed, index), the same on every machine.

A counter-based generator needs no state: any index of any seed is computed directly, so a batch can be split, reordered
or repeated without changing a sample. Only IEEE-exact operations (+, -, *, /, sqrt, integers) are used: library
logarithms and sines differ in the last bit between processors, and latents may not.

Source:
    Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x32-10).
    Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution" (PPND16).
"""

import enum
import math
import secrets
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

SEED_LIMIT = 2**63
INDEX_LIMIT = 2**63
DRAWN_SEED_BITS = 53  # a seed that the service draws survives JSON readers that hold numbers as doubles

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)

LatentPrior: TypeAlias = Literal["normal", "uniform", "truncated"]
"""Of each latent number: standard normal; uniform in (-1, 1); standard normal, given that it is within +-2."""
TRUNCATED_LIMIT = 2.0

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]


class Stream(enum.IntEnum):
    """What random numbers of one sample are for; streams never overlap. Numbers are part of the identity of samples."""

    LABEL = 0
    LATENT = 1
    AUGMENTATION = 2
    VARIATION = 3
    ORDER = 4


def draw_seed() -> int:
    """Draw a fresh seed in [0, 2**53) from the operating system."""
    return secrets.randbits(DRAWN_SEED_BITS)


def philox(counter: NDArray[np.uint32], key: tuple[int, int] | tuple[U64, U64]) -> U32:
    """Encrypt counters to uniform random words: Philox4x32 with ten rounds.

    Args:
        counter: Words of the counters, shape (4, n), least significant word first.
        key: Two 32-bit words, or two arrays of them, shape (n,).

    Returns:
        Random words, shape (4, n).

    Source:
        Salmon et al. 2011, section 3.3 and table 2.
    """
    c0, c1, c2, c3 = (row.astype(np.uint64) for row in counter)
    k0, k1 = (np.asarray(word, dtype=np.uint64) for word in key)
    for _ in range(_ROUNDS):
        product0 = c0 * _MULTIPLIERS[0]
        product1 = c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (product1 >> _SHIFT) ^ c1 ^ k0,
            product1 & _LOW,
            (product0 >> _SHIFT) ^ c3 ^ k1,
            product0 & _LOW,
        )
        k0 = (k0 + _KEY_STEPS[0]) & _LOW
        k1 = (k1 + _KEY_STEPS[1]) & _LOW
    return np.stack([c0, c1, c2, c3]).astype(np.uint32)


def draw_words(seed: int | U64, indices: NDArray[np.int64], stream: Stream, words: int) -> U32:
    """Draw uniform 32-bit words for samples.

    Args:
        seed: Seed of the samples, in [0, 2**63), or one per sample, shape (n,).
        indices: Sample numbers, each in [0, 2**63), shape (n,).
        stream: What the words are for.
        words: How many words a sample needs; a longer draw starts with the shorter one.

    Returns:
        Words, shape (n, words).
    """
    blocks = -(-words // 4)
    index = np.repeat(indices.astype(np.uint64), blocks)
    counter = np.empty((4, index.size), dtype=np.uint32)
    counter[0] = np.tile(np.arange(blocks, dtype=np.uint32), indices.size)
    counter[1] = int(stream)
    counter[2] = (index & _LOW).astype(np.uint32)
    counter[3] = (index >> _SHIFT).astype(np.uint32)
    key = _repeat_key(seed, blocks) if isinstance(seed, np.ndarray) else (seed & 0xFFFFFFFF, seed >> 32)
    drawn = philox(counter, key)
    return np.ascontiguousarray(drawn.T).reshape(indices.size, blocks * 4)[:, :words]


def _repeat_key(seeds: U64, blocks: int) -> tuple[U64, U64]:
    return np.repeat(seeds & _LOW, blocks), np.repeat(seeds >> _SHIFT, blocks)


def draw_labels(seed: int | U64, indices: NDArray[np.int64], num_classes: int) -> NDArray[np.int32]:
    """Draw each sample's class uniformly from its own key.

    Args:
        seed: Seed of the samples, in [0, 2**63), or one per sample, shape (n,).
        indices: Sample numbers, shape (n,).
        num_classes: Number of classes, at least 1.

    Returns:
        Class numbers in [0, num_classes), shape (n,).
    """
    words = draw_words(seed, indices, Stream.LABEL, 1)[:, 0].astype(np.uint64)
    return ((words * np.uint64(num_classes)) >> _SHIFT).astype(np.int32)


def draw_latents(
    seed: int | U64,
    indices: NDArray[np.int64],
    latent_dim: int,
    prior: LatentPrior = "normal",
    *,
    stream: Stream = Stream.LATENT,
) -> NDArray[np.float32]:
    """Draw latents, one word per number, by inversion of the prior's distribution function.

    Args:
        seed: Seed of the samples, in [0, 2**63), or one per sample, shape (n,).
        indices: Sample numbers, shape (n,).
        latent_dim: Numbers per sample.
        prior: Distribution of each number.
        stream: What the latents are for.

    Returns:
        Latents, shape (n, latent_dim): within +-6.4 when normal, within +-2 when truncated, inside +-1 when uniform.
    """
    words = draw_words(seed, indices, stream, latent_dim)
    if prior == "uniform":
        # 24 bits, so that float32 holds the odd multiples of 2**-24 exactly and never reaches an end.
        return ((words >> np.uint32(8)).astype(np.float64) * 2.0**-23 - (1.0 - 2.0**-24)).astype(np.float32)
    uniform = (words.astype(np.float64) + 0.5) * 2.0**-32
    if prior == "truncated":
        uniform = _BELOW_LIMIT + uniform * (1.0 - 2.0 * _BELOW_LIMIT)
    return normal_quantile(uniform).astype(np.float32)


def normal_quantile(p: F64) -> F64:
    """Invert the standard normal distribution function, to 16 digits.

    Args:
        p: Probabilities in (0, 1).

    Returns:
        Quantiles, of the same shape.

    Source:
        Wichura 1988, routine PPND16.
    """
    q = p - 0.5
    inner = np.abs(q) <= 0.425  # noqa: PLR2004 - the algorithm's split point
    central = 0.180625 - q * q
    result = q * _ratio(central, _CENTRAL)
    tail = ~inner
    if tail.any():
        r = np.sqrt(-_log(np.minimum(p[tail], 1.0 - p[tail])))
        near = _ratio(r - 1.6, _NEAR_TAIL)
        far = _ratio(r - 5.0, _FAR_TAIL)
        result[tail] = np.where(r <= 5.0, near, far) * np.sign(q[tail])  # noqa: PLR2004 - split point
    return result


def _ratio(x: F64, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> F64:
    numerator, denominator = (np.full_like(x, c[-1]) for c in coefficients)
    for c in coefficients[0][-2::-1]:
        numerator = numerator * x + c
    for c in coefficients[1][-2::-1]:
        denominator = denominator * x + c
    return numerator / denominator


def _log(x: F64) -> F64:
    """Natural logarithm from exact operations: 2 artanh((m - 1) / (m + 1)) + e ln 2, m in [sqrt 1/2, sqrt 2)."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < math.sqrt(0.5)
    mantissa = np.where(low, mantissa * 2.0, mantissa)
    exponent = exponent - low
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = np.zeros_like(s)
    for k in range(_LOG_TERMS, 0, -1):
        series = series * square + 1.0 / (2 * k - 1)
    return 2.0 * s * series + exponent * math.log(2.0)


_BELOW_LIMIT = 0.022750131948179207  # of the standard normal distribution below -2
_LOG_TERMS = 13  # |s| <= 0.1716: the first term left out is below 1e-20

# Coefficients as printed in Wichura 1988, lowest power first.
_CENTRAL = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
_NEAR_TAIL = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
_FAR_TAIL = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)
