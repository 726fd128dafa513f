"""Masks that follow the pixels: whole numbers, of which the nearest is taken."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.augmentation.cpu import resample
from app.augmentation.draws import F64
from app.augmentation.frames import WHITE
from app.augmentation.points import trace_forth
from app.augmentation.primitives import Fill, Mix
from app.augmentation.program import Resample
from app.augmentation.resampling import gather, warp
from app.augmentation.sampler import Plan
from app.augmentation.targets.documents import Size
from app.augmentation.targets.following import stretch
from app.augmentation.targets.walking import Walker, Way
from app.core.errors import InvalidInputError

Labels: TypeAlias = NDArray[Any]
"""Shape (H, W, 1), uint8 or uint16."""

_DEPTHS = ("uint8", "uint16")
_BLENDED = "masks do not go with operations that see one picture through another"


def check_mask(mask: NDArray[Any], size: Size, ignore_index: int) -> Labels:
    """Check that a mask goes with its picture.

    Args:
        mask: Shape (H, W) or (H, W, 1).
        size: Of the picture.
        ignore_index: Value outside of the picture.

    Raises:
        InvalidInputError: If it does not.
    """
    if mask.dtype.name not in _DEPTHS or mask.shape not in {size, (*size, 1)}:
        raise InvalidInputError("a mask has one channel of 8 or 16 bits and the size of its picture, seen upright")
    if not 0 <= ignore_index <= WHITE[mask.dtype.name]:
        raise InvalidInputError(f"a mask of {mask.dtype.name} cannot hold this ignore_index")
    return mask.reshape(*size, 1)


def check_mixing(plan: Plan) -> None:
    """Check that masks go with a plan.

    Raises:
        InvalidInputError: If it sees one picture through another.
    """
    if any(isinstance(step.primitive, Mix) and step.primitive.is_blended for step in plan.steps):
        raise InvalidInputError(_BLENDED)


class MaskFollower(Walker[Labels | None]):
    """Follows the masks of a request.

    Args:
        inputs: From ``check_mask``, one per input; None for none.
        ignore_index: Value of what lies outside of a picture under a constant fill, and of pictures without a mask.
            Other fills repeat the mask as they do the picture.
    """

    def __init__(self, inputs: Sequence[Labels | None], ignore_index: int = 0) -> None:
        super().__init__(inputs)
        self._ignored = ignore_index

    def resample(self, thing: Labels | None, stage: Resample, place: int) -> Labels | None:
        """Move a mask as the pixels move."""
        if thing is None:
            return None
        fill = dataclasses.replace(_fill(self._ignored, thing), mode=stage.fill.mode)
        nearest = dataclasses.replace(stage, fill=fill, interpolation="nearest")
        return resample(nearest, thing, place, has_alpha=False)

    def mix(self, things: Sequence[Labels | None], mix: Mix, row: int) -> Labels | None:
        """Put masks together by the windows of their pictures.

        Raises:
            InvalidInputError: If the pictures are blended, or their masks are of several kinds.
        """
        if mix.is_blended:
            raise InvalidInputError(_BLENDED)
        own = things[0]
        if own is None:
            return None
        if any(one is not None and one.dtype != own.dtype for one in things):
            raise InvalidInputError("masks of pictures that are mixed have all 8 or all 16 bits")
        size = own.shape[0], own.shape[1]
        mixed = np.full_like(own, self._ignored)
        for thing, matrix, window in zip(things, mix.matrices[row], mix.windows[row], strict=True):
            left, top, right, bottom = np.rint(window).astype(np.int64)
            if left < right and top < bottom:
                seen = slice(top, bottom), slice(left, right)
                mixed[seen] = self._ignored if thing is None else self._fit(thing, matrix, size)[seen]
        return mixed

    def _fit(self, thing: Labels, matrix: F64, size: Size) -> Labels:
        """Move a mask into the picture that it becomes a part of."""
        whole = matrix @ stretch((thing.shape[0], thing.shape[1]), size)
        return warp(thing, whole, size, _fill(self._ignored, thing), "nearest")


def mask_back(mask: Labels, way: Way, ignore_index: int = 0) -> Labels:
    """Take a mask of an output to its input.

    Args:
        mask: Of the output.
        way: Of the output.
        ignore_index: Value of what the output does not show.

    Returns:
        Of the input's size.
    """
    fill = _fill(ignore_index, mask)
    for stage, size in zip(reversed(way.stages), reversed(way.sizes[:-1]), strict=True):
        only = stage.pieces[0]
        if len(stage.pieces) == 1 and isinstance(only, np.ndarray):
            mask = warp(mask, np.linalg.inv(only[way.place]), size, fill, "nearest")
        else:
            y, x = np.mgrid[: size[0], : size[1]] + 0.5
            points = trace_forth(stage, way.place, np.stack([x, y], axis=2))
            mask = gather(mask, points.astype(np.float32), fill, "nearest")
    return mask


def _fill(value: int, mask: Labels) -> Fill:
    return Fill("constant", value / WHITE[mask.dtype.name])
