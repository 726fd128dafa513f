"""What callers are told of the targets of an output."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.augmentation.draws import F64, I64
from app.augmentation.sampler import Plan
from app.augmentation.targets.boxes import hull
from app.augmentation.targets.documents import Targets, write_boxes, write_points
from app.augmentation.targets.following import Layer, Scene
from app.augmentation.targets.walking import matrix_of

_SMALLEST = 1e-3
"""Pixels: what is narrower is empty."""
_ROUNDING = 1e-9


def describe(scene: Scene) -> dict[str, Any]:
    """Return what is seen in an output, as JSON holds it; of what was not sent, nothing.

    Boxes and keypoints are written as those of the own input were; ``images`` and ``keypoint_images`` say of which
    inputs they are, where pictures were mixed.
    """
    told = [layer.targets for layer in scene.layers]
    is_mixed = len(scene.layers) > 1
    answer: dict[str, Any] = {}
    if any(one.boxes for one in told):
        answer |= _describe_boxes(scene, is_mixed=is_mixed)
    if any(one.keypoints for one in told):
        answer |= _describe_keypoints(scene, is_mixed=is_mixed)
    if any(one.label is not None for one in told):
        answer["label_shares"] = _share_labels(scene.layers)
    return answer


def describe_matrix(plan: Plan, row: int) -> dict[str, list[float] | None]:
    """Return the matrix from an input to an output and its inverse, row by row; None where a field displaces pixels."""
    matrix = matrix_of(plan, row)
    if matrix is None:
        return {"matrix": None, "inverse": None}
    inverse = np.linalg.inv(matrix)
    return {"matrix": matrix.ravel().tolist(), "inverse": (inverse / inverse[2, 2]).ravel().tolist()}


def _describe_boxes(scene: Scene, *, is_mixed: bool) -> dict[str, Any]:
    own = scene.layers[0].targets
    kept = [_kept(layer) for layer in scene.layers]
    boxes = np.concatenate([hull(layer.outlines)[which] for layer, which in zip(scene.layers, kept, strict=True)])
    visibilities = [layer.visibilities[which] for layer, which in zip(scene.layers, kept, strict=True)]
    answer: dict[str, Any] = {"boxes": write_boxes(boxes, own.box_format, own.units, scene.size)}
    if any(layer.targets.labels is not None for layer in scene.layers):
        answer["labels"] = [
            None if layer.targets.labels is None else layer.targets.labels[number]
            for layer, which in zip(scene.layers, kept, strict=True)
            for number in which.tolist()
        ]
    answer["ids"] = [
        layer.targets.box_ids[number]
        for layer, which in zip(scene.layers, kept, strict=True)
        for number in which.tolist()
    ]
    answer["visibility"] = np.round(np.concatenate(visibilities), 6).tolist()
    staying = set(kept[0].tolist())
    answer["dropped"] = [one for number, one in enumerate(own.box_ids) if number not in staying]
    if is_mixed:
        answer["images"] = [layer.number for layer, which in zip(scene.layers, kept, strict=True) for _ in which]
    return answer


def _kept(layer: Layer) -> I64:
    """Return the numbers of the boxes of which enough is seen."""
    sides = np.diff(hull(layer.outlines).reshape(-1, 2, 2), axis=1)[:, 0]
    is_enough = layer.visibilities >= layer.targets.min_visibility - _ROUNDING
    return np.flatnonzero(is_enough & (layer.visibilities > 0) & (sides > _SMALLEST).all(axis=1))


def _describe_keypoints(scene: Scene, *, is_mixed: bool) -> dict[str, Any]:
    own = scene.layers[0].targets
    points: F64 = np.concatenate([layer.points for layer in scene.layers])
    answer: dict[str, Any] = {
        "keypoints": write_points(points, own.units, scene.size),
        "visible": np.concatenate([layer.visible for layer in scene.layers]).tolist(),
    }
    if any(layer.targets.keypoint_names is not None for layer in scene.layers):
        answer["keypoint_names"] = [name for layer in scene.layers for name in _names(layer.targets)]
    if is_mixed:
        answer["keypoint_images"] = [layer.number for layer in scene.layers for _ in layer.points]
    return answer


def _names(targets: Targets) -> Sequence[str | None]:
    return targets.keypoint_names or [None] * len(targets.keypoints)


def _share_labels(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Add up the shares of each label; together they are 1."""
    shares: dict[str | int | None, float] = {}
    for layer in layers:
        if layer.share > 0:
            shares[layer.targets.label] = shares.get(layer.targets.label, 0.0) + layer.share
    total = sum(shares.values())
    return [{"label": label, "share": share / total} for label, share in shares.items()]
