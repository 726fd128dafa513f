"""Boxes, keypoints and labels that follow the pixels of an output.

What erases pixels drops nothing: a box stays where something was. A box is cut to the picture wherever its pixels are,
which is at the end of the moves that are computed at once.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from app.augmentation.draws import F64
from app.augmentation.nodes import Mask
from app.augmentation.points import is_mirrored, is_straight, move_points, trace_back, trace_forth
from app.augmentation.primitives import Mix
from app.augmentation.program import Resample
from app.augmentation.targets.boxes import cut, outline, refine, uncover
from app.augmentation.targets.documents import Size, Targets, read_boxes, read_points
from app.augmentation.targets.walking import Walker, Way

_TINY = 1e-6


@dataclasses.dataclass(frozen=True)
class Layer:
    """What is seen of one input.

    Attributes:
        number: Of the input.
        targets: As its caller wrote them.
        share: Of the output's label.
        outlines: Points on the edges of its boxes, shape (boxes, points, 2).
        visibilities: What share of each box is seen, shape (boxes,).
        points: Its keypoints, shape (keypoints, 2).
        visible: Which of them are seen, shape (keypoints,).
    """

    number: int
    targets: Targets
    share: float
    outlines: F64
    visibilities: F64
    points: F64
    visible: Mask


@dataclasses.dataclass(frozen=True)
class Scene:
    """Targets in one picture.

    Attributes:
        size: Of the picture.
        layers: The inputs that are seen in it, the own first.
    """

    size: Size
    layers: Sequence[Layer]


def scene_of(number: int, targets: Targets | None, size: Size) -> Scene:
    """Place targets in their picture.

    Args:
        number: Of the input.
        targets: None for none.
        size: Of the picture.

    Raises:
        InvalidInputError: If a box lies outside; ``box`` says which.
    """
    told = targets or Targets()
    points = read_points(told, size)
    outlines = outline(read_boxes(told, size))
    layer = Layer(number, told, 1.0, outlines, np.ones(len(outlines)), points, _is_inside(points, size))
    return Scene(size, [layer])


class Follower(Walker[Scene]):
    """Follows the targets of a request.

    Args:
        inputs: From ``scene_of``, one per input.
    """

    def resample(self, thing: Scene, stage: Resample, place: int) -> Scene:
        """Move targets as the pixels move."""
        size = int(stage.heights[place]), int(stage.widths[place])
        return _move(thing, stage, place, partial(trace_forth, stage, place), size)

    def mix(self, things: Sequence[Scene], mix: Mix, row: int) -> Scene:
        """Put the targets of pictures together as the pictures are."""
        size = things[0].size
        layers: list[Layer] = []
        for position, scene in enumerate(things):
            matrix = mix.matrices[row, position] @ stretch(scene.size, size)
            covers = np.empty((0, 4)) if mix.is_blended else mix.windows[row, position + 1 :]
            share = float(mix.shares[row, position])
            if position == 0 or share > 0:
                layers += [_place(one, matrix, share, mix.windows[row, position], covers) for one in scene.layers]
        return Scene(size, layers)


def follow_back(scene: Scene, way: Way) -> Scene:
    """Take targets of an output to its input.

    Args:
        scene: Placed in the output.
        way: Of the output.
    """
    place = way.place
    for stage, size in zip(reversed(way.stages), reversed(way.sizes[:-1]), strict=True):
        scene = _move(scene, stage, place, partial(trace_back, stage, place), size)
    return scene


def stretch(before: Size, after: Size) -> F64:
    """Return the matrix from a picture of one size to the same at another, shape (3, 3)."""
    return np.diag([after[1] / before[1], after[0] / before[0], 1.0])


def _move(scene: Scene, stage: Resample, place: int, move: Callable[[F64], F64], size: Size) -> Scene:
    is_turned_over, is_bent = is_mirrored(stage, place), not is_straight(stage)
    layers = []
    for layer in scene.layers:
        outlines = refine(layer.outlines) if is_bent else layer.outlines
        order = layer.targets.mirror if is_turned_over else np.arange(len(layer.points))
        points = move(layer.points)[order]
        outlines, visibilities = cut(move(outlines), layer.visibilities, size)
        visible = layer.visible[order] & _is_inside(points, size)
        layers.append(
            dataclasses.replace(layer, outlines=outlines, visibilities=visibilities, points=points, visible=visible)
        )
    return Scene(size, layers)


def _place(layer: Layer, matrix: F64, share: float, window: F64, covers: F64) -> Layer:
    """Put what is seen of an input into a window."""
    points = move_points(layer.points, matrix)
    outlines, visibilities = uncover(move_points(layer.outlines, matrix), layer.visibilities, window, covers)
    visible = layer.visible & _is_within(points, window) & (share > 0)
    for cover in covers:
        visible &= ~_is_within(points, cover)
    return dataclasses.replace(
        layer,
        share=layer.share * share,
        outlines=outlines,
        visibilities=visibilities * (share > 0),
        points=points,
        visible=visible,
    )


def _is_inside(points: F64, size: Size) -> Mask:
    return _is_within(points, np.array([0, 0, size[1], size[0]]))


def _is_within(points: F64, window: F64) -> Mask:
    return np.asarray(((points >= window[:2] - _TINY) & (points <= window[2:] + _TINY)).all(axis=1))
