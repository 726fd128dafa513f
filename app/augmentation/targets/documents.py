"""What callers say is in a picture: boxes, keypoints and a label, read strictly."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.augmentation.draws import F64, I64
from app.core.errors import InvalidInputError

MAX_BOXES = 1000
MAX_KEYPOINTS = 1000
_DIGITS = 9

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels."""
BoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh"]
Units: TypeAlias = Literal["px", "fraction"]

Coordinate: TypeAlias = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Box: TypeAlias = Annotated[list[Coordinate], Field(min_length=4, max_length=4)]
Point: TypeAlias = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]
Index: TypeAlias = Annotated[int, Field(ge=0, lt=MAX_KEYPOINTS)]
Pair: TypeAlias = Annotated[list[Index], Field(min_length=2, max_length=2)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=256)]
Label: TypeAlias = Name | Annotated[int, Field(ge=0, lt=2**53)]


class Targets(BaseModel):
    """What is in one picture, seen upright. A picture starts at 0, and ends at its width and height in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    boxes: list[Box] = Field([], max_length=MAX_BOXES, description="Boxes, as `box_format` and `units` say.")
    box_format: BoxFormat = Field(
        "xyxy", description="Left, top, right, bottom; left, top, width, height; or centre, width, height."
    )
    units: Units = Field("px", description="Pixels, or fractions of width and height; of boxes and keypoints.")
    labels: list[Label] | None = Field(None, max_length=MAX_BOXES, description="One per box.")
    ids: list[Label] | None = Field(None, max_length=MAX_BOXES, description="One per box; its number without.")
    min_visibility: float = Field(0.0, ge=0, le=1, description="Boxes of which a smaller share is seen are dropped.")
    keypoints: list[Point] = Field([], max_length=MAX_KEYPOINTS, description="As x and y.")
    keypoint_names: list[Name] | None = Field(None, max_length=MAX_KEYPOINTS, description="One per keypoint.")
    swap: list[Pair] = Field(
        [], max_length=MAX_KEYPOINTS // 2, description="Numbers of the keypoints that trade places in a mirror."
    )
    label: Label | None = Field(None, description="Class of the whole picture.")

    @model_validator(mode="after")
    def _check_boxes(self) -> "Targets":
        for name, values in (("labels", self.labels), ("ids", self.ids)):
            if values is not None and len(values) != len(self.boxes):
                raise ValueError(f"`{name}` has one entry per box")
        if self.ids is not None and len(set(self.ids)) != len(self.ids):
            raise ValueError("no two `ids` are the same")
        if (_sides(self) <= 0).any():
            raise ValueError("width and height of a box are more than 0")
        return self

    @model_validator(mode="after")
    def _check_keypoints(self) -> "Targets":
        if self.keypoint_names is not None and len(self.keypoint_names) != len(self.keypoints):
            raise ValueError("`keypoint_names` has one entry per keypoint")
        swapped = [number for pair in self.swap for number in pair]
        if len(set(swapped)) != len(swapped) or max(swapped, default=-1) >= len(self.keypoints):
            raise ValueError("`swap` names keypoints, each once")
        return self

    @property
    def box_ids(self) -> Sequence[str | int]:
        """What boxes are called."""
        return range(len(self.boxes)) if self.ids is None else self.ids

    @property
    def mirror(self) -> I64:
        """Which keypoint takes the place of each in a mirror, shape (n,)."""
        numbers = np.arange(len(self.keypoints))
        for one, other in self.swap:
            numbers[[one, other]] = other, one
        return numbers


def read_boxes(targets: Targets, size: Size) -> F64:
    """Return boxes as (left, top, right, bottom) in pixels, cut to their picture; shape (n, 4).

    Raises:
        InvalidInputError: If one lies outside.
    """
    boxes = _corners(targets) * _unit(targets.units, size)[[0, 1, 0, 1]]
    cut = np.clip(boxes, 0, np.tile(size[::-1], 2))
    outside = np.flatnonzero((cut[:, 2:] <= cut[:, :2]).any(axis=1))
    if outside.size:
        number = int(outside[0])
        raise InvalidInputError(f"box {number} lies outside of its picture", box=number)
    return cut


def write_boxes(boxes: F64, box_format: BoxFormat, units: Units, size: Size) -> list[list[float]]:
    """Write boxes as callers do.

    Args:
        boxes: As (left, top, right, bottom) in pixels, shape (n, 4).
        box_format: How.
        units: Of what is returned.
        size: Of their picture.
    """
    scaled = boxes / _unit(units, size)[[0, 1, 0, 1]]
    low, high = scaled[:, :2], scaled[:, 2:]
    if box_format == "xyxy":
        return _rounded(scaled)
    return _rounded(np.concatenate([low if box_format == "xywh" else (low + high) / 2, high - low], axis=1))


def read_points(targets: Targets, size: Size) -> F64:
    """Return keypoints as (x, y) in pixels, shape (n, 2)."""
    return np.array(targets.keypoints, np.float64).reshape(-1, 2) * _unit(targets.units, size)


def write_points(points: F64, units: Units, size: Size) -> list[list[float]]:
    """Write keypoints, given in pixels, as callers do."""
    return _rounded(points / _unit(units, size))


def _sides(targets: Targets) -> F64:
    corners = _corners(targets)
    return corners[:, 2:] - corners[:, :2]


def _corners(targets: Targets) -> F64:
    """Return boxes as (left, top, right, bottom) in their own units."""
    boxes = np.array(targets.boxes, np.float64).reshape(-1, 4)
    first, second = boxes[:, :2], boxes[:, 2:]
    if targets.box_format == "xyxy":
        return boxes
    low = first if targets.box_format == "xywh" else first - second / 2
    return np.concatenate([low, low + second], axis=1)


def _unit(units: Units, size: Size) -> F64:
    return np.array(size[::-1] if units == "fraction" else (1, 1), np.float64)


def _rounded(values: F64) -> list[list[float]]:
    """Without the last digits, so that what did not move reads as it was written."""
    rounded: list[list[float]] = (np.round(values, _DIGITS) + 0.0).tolist()
    return rounded
