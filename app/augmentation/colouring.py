"""Matrices of colours: what operations on them come to, before they are folded. White is 1."""

import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import F64
from app.augmentation.frames import RGB

_LUMA = np.array([0.299, 0.587, 0.114])
_TO_CHROMA = np.array([[0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_NEUTRAL_KELVIN = 6500.0
_XYZ_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
_ENCODING = 1 / 2.2
_SEPIA = np.array([1.110, 0.988, 0.770])


def luma_weights(colours: int) -> F64:
    """Return what each colour adds to the grey of a pixel, shape (colours,); sums to 1.

    Red, green and blue weigh as in television; channels that are something else weigh the same.

    Source:
        ITU-R BT.601-7, section 2.5.1.
    """
    return _LUMA if colours == RGB else np.full(colours, 1 / colours)


def affine(linear: F64, shift: F64 | float = 0.0) -> F64:
    """Write linear maps with shifts as colour matrices.

    Args:
        linear: Shape (n, k, k).
        shift: Shape (n, k), or what broadcasts to it.

    Returns:
        Shape (n, k, k + 1).
    """
    count, colours = linear.shape[:2]
    shifts = np.broadcast_to(shift, (count, colours))
    return np.concatenate([linear, shifts[:, :, None]], axis=2)


def gain(factors: F64, colours: int, shift: F64 | float = 0.0) -> F64:
    """Multiply colours.

    Args:
        factors: One per output, shape (n,), or one per colour, shape (n, colours).
        colours: How many.
        shift: Is added, shape (n, colours), or what broadcasts to it.
    """
    each = factors if factors.ndim > 1 else factors[:, None]
    return affine(each[:, :, None] * np.eye(colours), shift)


def stretch(factors: F64, colours: int) -> F64:
    """Bring levels away from the middle or to it; factors have shape (n,)."""
    return gain(factors, colours, (0.5 - 0.5 * factors)[:, None])


def saturate(factors: F64, colours: int) -> F64:
    """Bring colours away from their grey or to it; factors have shape (n,)."""
    grey = _to_grey(colours)
    return affine(grey + factors[:, None, None] * (np.eye(colours) - grey))


def turn_hue(degrees: F64, colours: int) -> F64:
    """Turn the plane of chroma, red to green to blue; luma stays, and so do pictures without three colours.

    Args:
        degrees: Shape (n,).
        colours: How many.

    Source:
        The plane is I and Q of the NTSC signal: SMPTE 170M, annex A.
    """
    if colours != RGB:
        return affine(np.broadcast_to(np.eye(colours), (len(degrees), colours, colours)))
    grey = _to_grey(colours)
    to_colours = np.linalg.inv(np.stack([_LUMA, *_TO_CHROMA]))[:, 1:]
    quarter = to_colours @ np.array([[0.0, 1.0], [-1.0, 0.0]]) @ _TO_CHROMA
    angles = np.deg2rad(degrees)[:, None, None]
    return affine(grey + np.cos(angles) * (np.eye(colours) - grey) + np.sin(angles) * quarter)


def tone(fractions: F64, colours: int) -> F64:
    """Give three colours the brown of old prints, luma as before; other pictures stay.

    Args:
        fractions: Of the way to it, in [0, 1], shape (n,).
        colours: How many.
    """
    identity = np.eye(colours)
    toned = _SEPIA[:, None] * _LUMA if colours == RGB else identity
    share = fractions[:, None, None]
    return affine((1 - share) * identity + share * toned)


def light_gains(kelvin: F64) -> F64:
    """Return the gains of red, green and blue under a light of that temperature; 6500 K and luma of white stay.

    Gains act on light, and are brought to coded levels by a power law: so they stay a matrix.

    Args:
        kelvin: In [2500, 15000], shape (n,).

    Returns:
        Shape (n, 3).

    Source:
        Krystek 1985, "An algorithm to calculate correlated colour temperature", equations for u and v.
    """
    gains = np.power(_light(kelvin) / _light(np.array([_NEUTRAL_KELVIN])), _ENCODING)
    return np.asarray(gains / (gains * _LUMA).sum(axis=1, keepdims=True))


def chain(*matrices: F64) -> F64:
    """Return matrices that do all of these, the first one first; each has shape (n, k, k + 1)."""
    done = matrices[0]
    for one in matrices[1:]:
        linear, shift = one[:, :, :-1], one[:, :, -1]
        done = affine(linear @ done[:, :, :-1], (linear * done[:, None, :, -1]).sum(axis=2) + shift)
    return done


def _to_grey(colours: int) -> F64:
    return np.broadcast_to(luma_weights(colours), (colours, colours))


def _light(kelvin: F64) -> NDArray[np.float64]:
    """Return red, green and blue of a black body's light, linear, up to a factor; shape (n, 3)."""
    square = kelvin * kelvin
    u = (0.860117757 + 1.54118254e-4 * kelvin + 1.28641212e-7 * square) / (
        1 + 8.42420235e-4 * kelvin + 7.08145163e-7 * square
    )
    v = (0.317398726 + 4.22806245e-5 * kelvin + 4.20481691e-8 * square) / (
        1 - 2.89741816e-5 * kelvin + 1.61456053e-7 * square
    )
    x, y = 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)
    tristimulus = np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=1)
    return np.asarray((tristimulus[:, None, :] * _XYZ_TO_RGB).sum(axis=2))
