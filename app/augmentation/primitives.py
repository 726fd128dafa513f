"""What operations come to: moves of pixels, matrices of colours, curves of levels, and whatever needs all of a picture.

Each holds one entry per output. Moves that follow one another become a single resampling, colours one matrix, and
curves one table: see ``app.augmentation.program``.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import F64, I64
from app.augmentation.frames import Pixels

Border: TypeAlias = Literal["constant", "edge", "reflect", "wrap"]
Interpolation: TypeAlias = Literal["nearest", "linear", "cubic"]
Spline: TypeAlias = Literal["linear", "cubic"]


@dataclasses.dataclass(frozen=True)
class Fill:
    """What lies outside of a picture.

    Attributes:
        mode: ``constant``; ``edge`` repeats the last pixel, ``reflect`` mirrors without repeating it, ``wrap`` tiles.
        value: Level of ``constant``, black 0 to white 1, of all colours; transparency is 0 there.
    """

    mode: Border = "constant"
    value: float = 0.0


@dataclasses.dataclass(frozen=True)
class Warp:
    """Move pixels by a matrix.

    Attributes:
        matrices: Points of the picture before to points of the picture after, homogeneous (x, y, 1) in pixels; the
            centre of the first pixel is (0.5, 0.5). Shape (n, 3, 3).
        heights: Of the picture after, shape (n,).
        widths: Of the picture after, shape (n,).
        fill: What outside becomes; None where the operation shows nothing of it.
        interpolation: Between pixels; None leaves it to the others.
    """

    matrices: F64
    heights: I64
    widths: I64
    fill: Fill | None = None
    interpolation: Interpolation | None = None


@dataclasses.dataclass(frozen=True)
class Displacement:
    """Move pixels by a smooth field.

    Attributes:
        offsets: Where each point of the picture after comes from, relative to itself, as (x, y) in pixels, at the
            points of a grid that spans the picture from edge to edge; shape (n, rows, columns, 2), rows and columns
            at least 2. Between them by ``spline``.
        heights: Of the picture, which stays as large, shape (n,).
        widths: Of the picture, shape (n,).
        fill: What outside becomes; None where nothing of it is shown.
        interpolation: Between pixels; None leaves it to the others.
        spline: How the grid is interpolated.
    """

    offsets: F64
    heights: I64
    widths: I64
    fill: Fill | None = None
    interpolation: Interpolation | None = None
    spline: Spline = "cubic"


@dataclasses.dataclass(frozen=True)
class Colour:
    """Mix colours linearly; transparency stays.

    Attributes:
        matrices: Colours and one to colours, white is 1; shape (n, k, k + 1).
    """

    matrices: F64


@dataclasses.dataclass(frozen=True)
class Curve:
    """Map each level of each colour by itself; transparency stays.

    Attributes:
        function: Takes levels from 0 to 1 of any shape and the number of the output; returns levels.
    """

    function: Callable[[NDArray[np.float64], int], NDArray[np.float64]]


@dataclasses.dataclass(frozen=True)
class Whole:
    """Anything else that leaves pixels where they are.

    Attributes:
        function: Takes a picture that it may not write to and the number of the output; returns a picture of the
            same shape and kind. Transparency is its last channel where ``Frames.has_alpha``.
    """

    function: Callable[[Pixels, int], Pixels]


@dataclasses.dataclass(frozen=True)
class Mix:
    """Put pictures together with others of the same request.

    Attributes:
        partners: Which others, as places in [0, 1) among all but the own, shape (n, others).
        function: Takes the picture and the others, resampled to its size, and the number of the output.
        shares: Of the own label and of those of the others, shape (n, 1 + others); rows sum to 1.
        matrices: Points of the picture, and of each other, to points of the result, shape (n, 1 + others, 3, 3).
        windows: Where they are seen in it, as (left, top, right, bottom) in pixels, shape (n, 1 + others, 4); a later
            one hides what lies below, unless they are blended.
        is_blended: Whether all are seen through each other.
    """

    partners: F64
    function: Callable[[list[Pixels], int], Pixels]
    shares: F64
    matrices: F64
    windows: F64
    is_blended: bool = False


Primitive: TypeAlias = Warp | Displacement | Colour | Curve | Whole | Mix
