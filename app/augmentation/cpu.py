"""Plans computed by OpenCV and NumPy: a pure function of pixels and what was drawn."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import F64, I64
from app.augmentation.fields import sample_grid
from app.augmentation.frames import WHITE, Frames, Pixels
from app.augmentation.primitives import Mix, Whole
from app.augmentation.program import Program, Recolour, Redo, Relevel, Resample, Stage, is_mix, write_programs
from app.augmentation.resampling import gather, through_alpha, to_depth, warp
from app.augmentation.sampler import Plan

_LEVELS = {"uint8": 256, "uint16": 65536}


class Renderer:
    """Computes the outputs of one request.

    Args:
        inputs: Pictures, each (H, W, C).
        plans: What is applied to each of them; operations that mix pictures need them all to have as many outputs.
    """

    def __init__(self, inputs: Sequence[Pixels], plans: Sequence[Plan]) -> None:
        self._inputs = inputs
        self._plans = plans
        self._programs: dict[int, list[tuple[Program, int]]] = {}

    def render(self, number: int) -> Iterator[Pixels]:
        """Compute the outputs of an input, in order."""
        for row in range(len(self._plans[number].rows)):
            yield self.render_one(number, row)

    def render_one(self, number: int, row: int) -> Pixels:
        """Compute one output of an input."""
        program, place = self._find_program(number, row)
        return self._run(number, row, program.stages, place)

    def _run(self, number: int, row: int, stages: Sequence[Stage], place: int) -> Pixels:
        plan, pixels = self._plans[number], self._inputs[number]
        for position, stage in enumerate(stages):
            if is_mix(stage):
                pixels = self._mix(number, row, pixels, position, stages)
            else:
                pixels = run_stage(stage, pixels, place, plan.before)
        return pixels

    def _mix(self, number: int, row: int, pixels: Pixels, position: int, stages: Sequence[Stage]) -> Pixels:
        """Put an output together with the same copies of other inputs, as these are before the mixing."""
        stage = stages[position]
        assert isinstance(stage, Redo)  # noqa: S101 - by `is_mix`
        mix = stage.primitive
        assert isinstance(mix, Mix)  # noqa: S101 - by `is_mix`
        others = [self._until_mix(self._partner(number, place), row) for place in mix.partners[row]]
        return mix.function([pixels, *others], row)

    def _until_mix(self, number: int, row: int) -> Pixels:
        program, place = self._find_program(number, row)
        stages = program.stages
        end = next((at for at, stage in enumerate(stages) if is_mix(stage)), len(stages))
        return self._run(number, row, stages[:end], place)

    def _partner(self, number: int, place: float) -> int:
        return partner_of(number, place, len(self._inputs))

    def _find_program(self, number: int, row: int) -> tuple[Program, int]:
        if number not in self._programs:
            self._programs[number] = _place_rows(self._plans[number])
        return self._programs[number][row]


def render(plan: Plan, inputs: Sequence[Pixels], numbers: I64 | None) -> Iterator[Pixels]:
    """Compute the outputs of a plan that mixes nothing, in order.

    Args:
        plan: What is applied.
        inputs: Pictures, each (H, W, C).
        numbers: Which of them each output is of, shape (n,); None for the first.
    """
    found = _place_rows(plan)
    frames = plan.before
    for row, (program, place) in enumerate(found):
        pixels = inputs[0 if numbers is None else int(numbers[row])]
        for stage in program.stages:
            pixels = run_stage(stage, pixels, place, frames)
        yield pixels


def _place_rows(plan: Plan) -> list[tuple[Program, int]]:
    """Return the program of each output, and its number in it."""
    places: dict[int, tuple[Program, int]] = {}
    for program in write_programs(plan):
        places.update({row: (program, place) for place, row in enumerate(program.rows.tolist())})
    return [places[row] for row in range(len(plan.rows))]


def partner_of(number: int, place: float, count: int) -> int:
    """Return which input is mixed in: any but the own; the own where there is no other.

    Args:
        number: The own.
        place: In [0, 1).
        count: Inputs.
    """
    if count == 1:
        return number
    other = int(place * (count - 1))
    return other + (other >= number)


def run_stage(stage: Stage, pixels: Pixels, place: int, frames: Frames) -> Pixels:
    """Compute one stage.

    Args:
        stage: What is computed.
        pixels: The picture before.
        place: Number of the output in the stage.
        frames: The kind of its pictures.
    """
    match stage:
        case Resample():
            return resample(stage, pixels, place, has_alpha=frames.has_alpha)
        case Recolour(matrices):
            return recolour(pixels, matrices[place], has_alpha=frames.has_alpha)
        case Relevel(curves, rows):
            functions = [curve.function for curve in curves]
            row = int(rows[place])
            return relevel(pixels, lambda levels: _chain(functions, levels, row), has_alpha=frames.has_alpha)
        case Redo(Whole(function), rows):
            return function(pixels, int(rows[place]))
    raise TypeError(f"{stage} is not computed alone")


def resample(stage: Resample, pixels: Pixels, place: int, *, has_alpha: bool) -> Pixels:
    """Move a picture by all moves of a stage at once."""
    if has_alpha and stage.interpolation != "nearest":
        return through_alpha(pixels, lambda weighed: resample(stage, weighed, place, has_alpha=False))
    size = int(stage.heights[place]), int(stage.widths[place])
    if len(stage.pieces) == 1 and isinstance(stage.pieces[0], np.ndarray):
        return warp(pixels, stage.pieces[0][place], size, stage.fill, stage.interpolation)
    return gather(pixels, trace_back(stage, place), stage.fill, stage.interpolation)


def trace_back(stage: Resample, place: int) -> NDArray[np.float32]:
    """Return where each pixel comes from, as (x, y) in pixels of the picture before, shape (h, w, 2)."""
    height, width = int(stage.heights[place]), int(stage.widths[place])
    points = np.empty((height, width, 2))
    points[:, :, 0], points[:, :, 1] = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    size = height, width
    for piece in reversed(stage.pieces):
        if isinstance(piece, np.ndarray):
            points = move_points(points, np.linalg.inv(piece[place]))
        else:
            displacement, rows = piece
            row = int(rows[place])
            size = int(displacement.heights[row]), int(displacement.widths[row])
            points = points + sample_grid(displacement.offsets[row], points, size, displacement.spline)
    return points.astype(np.float32)


def move_points(points: F64, matrix: F64) -> F64:
    """Move points by a matrix; shape (..., 2)."""
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[..., :2] / moved[..., 2:])


def recolour(pixels: Pixels, matrix: F64, *, has_alpha: bool) -> Pixels:
    """Mix colours linearly.

    Args:
        pixels: Shape (H, W, C).
        matrix: White is 1; shape (k, k + 1), k channels without transparency.
        has_alpha: Whether the last channel is transparency.
    """
    colours = len(matrix)
    scaled = matrix.astype(np.float32)
    scaled[:, -1] *= np.float32(WHITE[pixels.dtype.name])
    if has_alpha:
        whole = np.zeros((colours + 1, colours + 2), np.float32)
        whole[:colours, :colours], whole[:colours, -1] = scaled[:, :-1], scaled[:, -1]
        whole[-1, -2] = 1
        scaled = whole
    if len(scaled) > 4:  # noqa: PLR2004 - channels that OpenCV mixes
        return to_depth(_mix_many(pixels, scaled), pixels.dtype)
    mixed = cv2.transform(pixels, scaled).reshape(pixels.shape)
    return np.clip(mixed, 0, 1) if mixed.dtype == np.float32 else mixed


def _mix_many(pixels: Pixels, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    white = np.float32(WHITE[pixels.dtype.name])
    return (pixels.astype(np.float32) @ matrix[:, :-1].T + matrix[:, -1]) / white


def relevel(pixels: Pixels, function: Callable[[F64], F64], *, has_alpha: bool) -> Pixels:
    """Map each level by itself, by a table where there are whole numbers of them."""
    colours = pixels[:, :, :-1] if has_alpha else pixels
    levels = _LEVELS.get(pixels.dtype.name)
    if levels is None:
        mapped = to_depth(function(colours.astype(np.float64)), pixels.dtype)
    else:
        table = to_depth(function(np.arange(levels) / (levels - 1)), pixels.dtype)
        mapped = _look_up(colours, table)
    return np.concatenate([mapped, pixels[:, :, -1:]], axis=2) if has_alpha else mapped


def _look_up(pixels: Pixels, table: Pixels) -> Pixels:
    if pixels.dtype == np.uint8:
        return cv2.LUT(np.ascontiguousarray(pixels), table).reshape(pixels.shape)
    return np.take(table, pixels)


def _chain(functions: Sequence[Callable[[F64, int], F64]], levels: F64, row: int) -> F64:
    for function in functions:
        levels = np.clip(function(levels, row), 0, 1)
    return levels
