"""Pictures moved as tensors: where each pixel comes from, and what is there, to the level of the CPU's executor."""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.augmentation.density import count_boxes
from app.augmentation.primitives import Border, Displacement, Fill
from app.augmentation.program import Resample
from app.generators.pixels import Pixels

Taps: TypeAlias = list[tuple[Tensor, Tensor]]
"""Neighbours of places along one axis: their numbers, and how much each counts."""

_PROBES = 32
"""Of ``app.augmentation.resampling``."""
_HORIZON = 1e-9
_FARTHEST = 1e6  # pixels; beyond, numbers of neighbours would overflow
_WHITE = 255.0


def resample(stage: Resample, pixels: Pixels) -> tuple[Pixels, NDArray[np.int64]]:
    """Move pictures by all moves of a stage at once.

    Args:
        stage: What is computed; outputs are of one size.
        pixels: One picture per output.

    Returns:
        The outputs, and the numbers of those that are another's to compute: they take a filter first.
    """
    points = trace_back(stage, pixels.device)
    look = _look_at_nearest if stage.interpolation == "nearest" else _look_between
    moved = _gather(pixels, look(points[..., 0]), look(points[..., 1]), stage.fill)
    return moved, np.flatnonzero(_shrinks(stage, points))


def _shrinks(stage: Resample, points: Tensor) -> NDArray[np.bool_]:
    """Tell which pictures the CPU's executor filters before it resamples them, shape (m,)."""
    piece = stage.pieces[0]
    if stage.interpolation == "nearest":
        return np.zeros(len(points), np.bool_)
    if len(stage.pieces) == 1 and isinstance(piece, np.ndarray):
        footprints = _footprints(np.asarray(np.linalg.inv(piece), np.float64), stage)
    else:
        footprints = _usual_distances(points)
    return np.asarray((count_boxes(footprints) > 1).any(axis=1))


def _footprints(back: NDArray[np.float64], stage: Resample) -> NDArray[np.float64]:
    """Return how wide and high the pixel in the middle is in the picture before, shape (m, 2)."""
    middles = np.stack([stage.widths / 2, stage.heights / 2, np.ones(len(back))], axis=1)
    moved = np.einsum("nij,nj->ni", back, middles)
    depths = moved[:, 2, None, None]
    slopes = (back[:, :2, :2] - moved[:, :2, None] * back[:, 2:, :2] / depths) / depths
    return np.asarray(np.hypot(slopes[:, :, 0], slopes[:, :, 1]))


def _usual_distances(points: Tensor) -> NDArray[np.float64]:
    """Return how far apart pixels of the output usually are in the picture before, shape (m, 2)."""
    height, width = points.shape[1:3]
    if min(height, width) < 2:  # noqa: PLR2004 - no distance to measure
        return np.ones((len(points), 2))
    few = slice(None), slice(None, None, -(-height // _PROBES)), slice(None, None, -(-width // _PROBES))
    slopes = [points.diff(dim=axis).abs()[few].flatten(1, 2).quantile(0.5, dim=1) for axis in (2, 1)]
    return torch.hypot(*slopes).cpu().numpy()


def trace_back(stage: Resample, device: torch.device) -> Tensor:
    """Return where each pixel comes from, as (x, y) in pixels of the pictures before; float64, shape (m, h, w, 2)."""
    count, height, width = len(stage.heights), int(stage.heights[0]), int(stage.widths[0])
    across, down = (torch.arange(size, dtype=torch.float64, device=device) + 0.5 for size in (width, height))
    points = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1).expand(count, height, width, 2)
    for piece in reversed(stage.pieces):
        if isinstance(piece, np.ndarray):
            back = torch.from_numpy(np.linalg.inv(piece)).to(device)
            points = _move(points, back, is_alone=len(stage.pieces) == 1)
        else:
            displacement, rows = piece
            points = points + _displace(points, displacement, rows)
    return points


def _move(points: Tensor, matrices: Tensor, *, is_alone: bool) -> Tensor:
    x, y = points[..., 0], points[..., 1]
    rows = [
        matrices[:, i, 0, None, None] * x + matrices[:, i, 1, None, None] * y + matrices[:, i, 2, None, None]
        for i in range(3)
    ]
    depth = rows[2] if is_alone else rows[2].clamp(min=_HORIZON)
    return torch.stack([rows[0] / depth, rows[1] / depth], dim=-1)


def _displace(points: Tensor, displacement: Displacement, rows: NDArray[np.int64]) -> Tensor:
    """Interpolate the field of each output; see ``app.augmentation.fields``."""
    grids = torch.from_numpy(np.ascontiguousarray(displacement.offsets[rows])).to(points.device)
    lines, columns = grids.shape[1:3]
    heights, widths = (
        torch.from_numpy(sizes[rows]).to(points.device)[:, None, None]
        for sizes in (displacement.heights, displacement.widths)
    )
    down = _spread(points[..., 1] * ((lines - 1) / heights), lines, displacement.spline)
    across = _spread(points[..., 0] * ((columns - 1) / widths), columns, displacement.spline)
    numbers = torch.arange(len(grids), device=points.device)[:, None, None]
    found = torch.zeros_like(points)
    for line, weight_down in down:
        row = torch.zeros_like(points)
        for column, weight_across in across:
            row += grids[numbers, line, column] * weight_across[..., None]
        found += row * weight_down[..., None]
    return found


def _spread(places: Tensor, count: int, spline: str) -> Taps:
    """Return the points of a grid beside each place.

    Source:
        Keys 1981, "Cubic convolution interpolation for digital image processing", equation 4 with a = -1/2.
    """
    places = places.clamp(0, count - 1)
    base = places.floor().clamp(max=count - 2).long()
    t = places - base
    if spline == "linear":
        return [(base, 1 - t), (base + 1, t)]
    weights = (
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )
    return [((base + offset).clamp(0, count - 1), weight) for offset, weight in enumerate(weights, start=-1)]


def _look_between(places: Tensor) -> Taps:
    places = _bound(places - 0.5)
    first = places.floor()
    share = (places - first).float()
    return [(first.long(), 1 - share), (first.long() + 1, share)]


def _look_at_nearest(places: Tensor) -> Taps:
    numbers = _bound(places - 0.5).round().long()
    return [(numbers, torch.ones_like(places, dtype=torch.float32))]


def _bound(places: Tensor) -> Tensor:
    return places.nan_to_num(-_FARTHEST).clamp(-_FARTHEST, _FARTHEST)


def _gather(pixels: Pixels, across: Taps, down: Taps, fill: Fill) -> Pixels:
    """Sum up the neighbours of all places, by their weights."""
    count, height, width, _ = pixels.shape
    levels = pixels.float()
    numbers = torch.arange(count, device=pixels.device)[:, None, None]
    outside = round(fill.value * _WHITE)
    total: Tensor | float = 0.0
    for line, weight_down in down:
        for column, weight_across in across:
            found = levels[numbers, _wrap(line, height, fill.mode), _wrap(column, width, fill.mode)]
            if fill.mode == "constant":
                is_inside = (line >= 0) & (line < height) & (column >= 0) & (column < width)
                found = torch.where(is_inside[..., None], found, outside)
            total = total + found * (weight_down * weight_across)[..., None]
    return torch.as_tensor(total).round().clamp(0, _WHITE).to(torch.uint8)


def _wrap(numbers: Tensor, count: int, mode: Border) -> Tensor:
    """Return which pixel stands for one outside."""
    if mode == "wrap":
        return numbers.remainder(count)
    if mode == "reflect" and count > 1:
        period = 2 * (count - 1)
        turned = numbers.remainder(period)
        return torch.minimum(turned, period - turned)
    return numbers.clamp(0, count - 1)
