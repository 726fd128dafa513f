"""Pictures put together with others of the same request: through each other, or side by side.

Others come as they are before the mixing, at any size: they are first stretched to the size of the picture.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from app.augmentation.betas import BETA_WORDS, MAX_ALPHA, MIN_ALPHA, STEP, beta
from app.augmentation.draws import F64, I64, between
from app.augmentation.frames import WHITE, Frames, Pixels
from app.augmentation.operation import MAX_SIDE, Applied, Bounds, Columns, Level, Operation, identity
from app.augmentation.primitives import Fill, Mix
from app.core.errors import InvalidInputError

Alpha = Annotated[float, Field(ge=MIN_ALPHA, le=MAX_ALPHA)]
Place = Annotated[float, Field(ge=0, lt=1)]
Edge = Annotated[int, Field(ge=0, le=MAX_SIDE)]


class AppliedMixing(Applied):
    """Which other inputs are mixed in."""

    partners: list[Place]


class Mixing(Operation):
    """An operation that needs other inputs; only a policy itself holds it, not another operation."""


class AppliedMixup(AppliedMixing):
    """A share."""

    op: Literal["mixup"] = "mixup"
    partners: list[Place] = Field(min_length=1, max_length=1)
    fraction: Level


class Mixup(Mixing):
    """See another input through the picture; labels are shared likewise.

    Source:
        Zhang et al. 2018, "mixup: beyond empirical risk minimization", section 2.
    """

    num_words = 1 + BETA_WORDS
    applied = AppliedMixup

    op: Literal["mixup"] = "mixup"
    alpha: Alpha = Field(1.0, description="Of the beta distribution of the other's share; small ones mix less.")
    fraction: Annotated[list[float], Bounds(0, 1)] | None = Field(
        None, description="The other's share, evenly drawn instead."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        if self.fraction is None:
            fractions = beta(uniform[:, 1:], self.alpha)
        else:
            fractions = np.rint(between(uniform[:, 1], *self.fraction) / STEP) * STEP
        return {"partners": uniform[:, :1], "fraction": fractions}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Mix:
        fractions = np.asarray(columns["fraction"], np.float64)
        shares = np.stack([1 - fractions, fractions], axis=1)

        def mix(pictures: list[Pixels], row: int) -> Pixels:
            return blend(_to_first(pictures, has_alpha=frames.has_alpha), shares[row], has_alpha=frames.has_alpha)

        windows = np.stack([_whole(frames)] * 2, axis=1)
        return Mix(np.asarray(columns["partners"]), mix, shares, _identities(frames, 2), windows, is_blended=True)


class AppliedCutmix(AppliedMixing):
    """A window, in pixels."""

    op: Literal["cutmix"] = "cutmix"
    partners: list[Place] = Field(min_length=1, max_length=1)
    left: Edge
    top: Edge
    right: Edge
    bottom: Edge


class Cutmix(Mixing):
    """Show another input in a window of the picture; labels are shared by area.

    Source:
        Yun et al. 2019, "CutMix: regularization strategy to train strong classifiers", equations 1 and 2.
    """

    num_words = 3 + BETA_WORDS
    applied = AppliedCutmix

    op: Literal["cutmix"] = "cutmix"
    alpha: Alpha = Field(1.0, description="Of the beta distribution of the picture's share.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        side = np.sqrt(1 - beta(uniform[:, 3:], self.alpha))
        left, right = _interval(uniform[:, 1], side, frames.widths)
        top, bottom = _interval(uniform[:, 2], side, frames.heights)
        return {"partners": uniform[:, :1], "left": left, "top": top, "right": right, "bottom": bottom}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Mix:
        edges = np.stack([np.asarray(columns[name]) for name in ("left", "top", "right", "bottom")], axis=1)
        limits = np.stack([frames.widths, frames.heights] * 2, axis=1)
        seen = np.minimum(edges, limits)
        seen[:, 2:] = np.maximum(seen[:, :2], seen[:, 2:])
        others = (seen[:, 2] - seen[:, 0]) * (seen[:, 3] - seen[:, 1]) / (frames.widths * frames.heights)

        def mix(pictures: list[Pixels], row: int) -> Pixels:
            own, other = _to_first(pictures, has_alpha=frames.has_alpha)
            return _paste(own, other, seen[row])

        windows = np.stack([_whole(frames), seen.astype(np.float64)], axis=1)
        shares = np.stack([1 - others, others], axis=1)
        return Mix(np.asarray(columns["partners"]), mix, shares, _identities(frames, 2), windows)


class AppliedMosaic(AppliedMixing):
    """Where the four meet, in fractions of width and height."""

    op: Literal["mosaic"] = "mosaic"
    partners: list[Place] = Field(min_length=3, max_length=3)
    x_fraction: Level
    y_fraction: Level


class Mosaic(Mixing):
    """Show the picture and three other inputs in four tiles, each stretched to its tile; labels are shared by area.

    Source:
        Bochkovskiy et al. 2020, "YOLOv4", section 3.3.
    """

    num_words = 5
    applied = AppliedMosaic

    op: Literal["mosaic"] = "mosaic"
    centre_fraction: Annotated[list[float], Bounds(0, 1)] = Field(
        [0.25, 0.75], description="Where the tiles meet, of the width and of the height."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        x, y = (between(uniform[:, 3 + axis], *self.centre_fraction) for axis in (0, 1))
        return {"partners": uniform[:, :3], "x_fraction": x, "y_fraction": y}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Mix:
        x = np.rint(np.asarray(columns["x_fraction"]) * frames.widths)
        y = np.rint(np.asarray(columns["y_fraction"]) * frames.heights)
        windows = np.stack([_whole(frames)] * 4, axis=1)
        windows[:, [0, 2], 2], windows[:, [1, 3], 0] = x[:, None], x[:, None]
        windows[:, [0, 1], 3], windows[:, [2, 3], 1] = y[:, None], y[:, None]
        sizes = windows[:, :, 2:] - windows[:, :, :2]
        matrices = _identities(frames, 4)
        matrices[:, :, 0, 0] = sizes[:, :, 0] / frames.widths[:, None]
        matrices[:, :, 1, 1] = sizes[:, :, 1] / frames.heights[:, None]
        matrices[:, :, :2, 2] = windows[:, :, :2]

        def mix(pictures: list[Pixels], row: int) -> Pixels:
            _check_alike(pictures)
            made = np.zeros_like(pictures[0])
            for picture, (left, top, right, bottom) in zip(pictures, windows[row].astype(int).tolist(), strict=True):
                if right > left and bottom > top:
                    tile = _stretch(picture, (bottom - top, right - left), has_alpha=frames.has_alpha)
                    made[top:bottom, left:right] = tile
            return made

        shares = sizes.prod(axis=2) / (frames.widths * frames.heights)[:, None]
        return Mix(np.asarray(columns["partners"]), mix, shares, matrices, windows)


def check_mixable(frames: Sequence[Frames]) -> None:
    """Check that inputs of one request can be mixed.

    Raises:
        InvalidInputError: If they have different channels or depths.
    """
    kinds = {(one.channels, one.has_alpha, one.depth) for one in frames}
    if len(kinds) > 1:
        raise InvalidInputError("operations that mix need all pictures to have the same channels and depth")


def blend(pictures: Sequence[Pixels], shares: F64, *, has_alpha: bool) -> Pixels:
    """See pictures of one size through each other; where one is transparent, its colours count less.

    Args:
        pictures: Each (H, W, C).
        shares: Of each; they sum to 1.
        has_alpha: Whether the last channel is transparency.
    """
    white = np.float32(WHITE[pictures[0].dtype.name])
    made = np.zeros(pictures[0].shape, np.float32)
    for picture, share in zip(pictures, shares, strict=True):
        levels = picture.astype(np.float32)
        if has_alpha:
            levels[:, :, :-1] *= levels[:, :, -1:] / white
        made += levels * np.float32(share)
    if has_alpha:
        alpha = made[:, :, -1:] / white
        np.divide(made[:, :, :-1], alpha, out=made[:, :, :-1], where=alpha > 0)
    made = np.clip(made, 0, white)
    return made if pictures[0].dtype == np.float32 else np.rint(made).astype(pictures[0].dtype)


def _check_alike(pictures: Sequence[Pixels]) -> None:
    if len({(picture.shape[2], picture.dtype.name) for picture in pictures}) > 1:
        raise InvalidInputError("operations that mix need all pictures to have the same channels and depth")


def _to_first(pictures: Sequence[Pixels], *, has_alpha: bool) -> list[Pixels]:
    _check_alike(pictures)
    height, width = pictures[0].shape[:2]
    return [_stretch(picture, (height, width), has_alpha=has_alpha) for picture in pictures]


def _stretch(picture: Pixels, size: tuple[int, int], *, has_alpha: bool) -> Pixels:
    from app.augmentation.resampling import through_alpha, warp  # noqa: PLC0415 - what samples reaches no OpenCV

    height, width = picture.shape[:2]
    if (height, width) == size:
        return picture
    matrix = np.diag([size[1] / width, size[0] / height, 1])
    if has_alpha:
        return through_alpha(picture, lambda weighed: warp(weighed, matrix, size, Fill("edge"), "linear"))
    return warp(picture, matrix, size, Fill("edge"), "linear")


def _paste(own: Pixels, other: Pixels, window: F64) -> Pixels:
    left, top, right, bottom = (int(edge) for edge in window)
    made = own.copy()
    made[top:bottom, left:right] = other[top:bottom, left:right]
    return made


def _interval(uniform: F64, side: F64, sizes: I64) -> tuple[I64, I64]:
    """Draw where a window begins and ends: its middle is anywhere, what juts out is cut off."""
    half = side * sizes / 2
    ends = np.rint(uniform * sizes - half), np.rint(uniform * sizes + half)
    low, high = (np.clip(end, 0, sizes).astype(np.int64) for end in ends)
    return low, high


def _whole(frames: Frames) -> F64:
    """Return windows that hold all of each picture, shape (n, 4)."""
    nothing = np.zeros(len(frames))
    return np.stack([nothing, nothing, frames.widths, frames.heights], axis=1)


def _identities(frames: Frames, count: int) -> F64:
    return np.stack([identity(len(frames))] * count, axis=1)
