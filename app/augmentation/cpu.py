"""Plans computed by OpenCV and NumPy: a pure function of pixels and what was drawn."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import F64, I64
from app.augmentation.fields import sample_lattice
from app.augmentation.frames import WHITE, Frames, Pixels
from app.augmentation.points import trace_back
from app.augmentation.primitives import Fill, Whole
from app.augmentation.program import (
    Program,
    Recolour,
    Redo,
    Relevel,
    Resample,
    Stage,
    before_mixing,
    mix_of,
    partner_of,
    place_rows,
)
from app.augmentation.resampling import MAX_CHANNELS, MatrixMoves, gather, through_alpha, to_depth
from app.augmentation.sampler import Plan

Runner: TypeAlias = Callable[[Pixels, int], Pixels]

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
        self._starts: dict[int, list[tuple[Program, int]]] = {}

    def render(self, number: int) -> Iterator[Pixels]:
        """Compute the outputs of an input, in order."""
        for row in range(len(self._plans[number].rows)):
            yield self.render_one(number, row)

    def render_one(self, number: int, row: int) -> Pixels:
        """Compute one output of an input."""
        return self._run(number, row, *self._find_program(number, row))

    def _run(self, number: int, row: int, program: Program, place: int) -> Pixels:
        plan, pixels = self._plans[number], self._inputs[number]
        for stage in program.stages:
            mix = mix_of(stage)
            if mix is None:
                pixels = run_stage(stage, pixels, place, plan.before)
            else:
                others = [partner_of(number, one, len(self._inputs)) for one in mix.partners[row]]
                pixels = mix.function([pixels, *(self._before_mixing(one, row) for one in others)], row)
        return pixels

    def _before_mixing(self, number: int, row: int) -> Pixels:
        if number not in self._starts:
            self._starts[number] = place_rows(before_mixing(self._plans[number]))
        return self._run(number, row, *self._starts[number][row])

    def _find_program(self, number: int, row: int) -> tuple[Program, int]:
        if number not in self._programs:
            self._programs[number] = place_rows(self._plans[number])
        return self._programs[number][row]


def render(plan: Plan, inputs: Sequence[Pixels], numbers: I64 | None) -> Iterator[Pixels]:
    """Compute the outputs of a plan that mixes nothing, in order.

    Args:
        plan: What is applied.
        inputs: Pictures, each (H, W, C).
        numbers: Which of them each output is of, shape (n,); None for the first.
    """
    runners: dict[int, list[Runner]] = {}
    for row, (program, place) in enumerate(place_rows(plan)):
        pixels = inputs[0 if numbers is None else int(numbers[row])]
        if id(program) not in runners:
            runners[id(program)] = [prepare(stage, plan.before) for stage in program.stages]
        for run in runners[id(program)]:
            pixels = run(pixels, place)
        yield pixels


def run_stage(stage: Stage, pixels: Pixels, place: int, frames: Frames) -> Pixels:
    """Compute one stage of one output.

    Args:
        stage: What is computed.
        pixels: The picture before.
        place: Number of the output in the stage.
        frames: The kind of its pictures.
    """
    return prepare(stage, frames)(pixels, place)


def prepare(stage: Stage, frames: Frames) -> Runner:
    """Compute what all outputs of a stage share.

    Args:
        stage: What is computed.
        frames: The kind of its pictures.

    Returns:
        What computes an output: it takes the picture before, and the number of the output in the stage.
    """
    match stage:
        case Resample():
            return _prepare_resampling(stage, has_alpha=frames.has_alpha)
        case Recolour(matrices):
            return _prepare_colours(matrices, frames)
        case Relevel(curves, rows):
            return partial(
                _relevel_row, [curve.function for curve in curves], rows.tolist(), has_alpha=frames.has_alpha
            )
        case Redo(Whole(function), rows):
            numbers = rows.tolist()
            return lambda pixels, place: function(pixels, numbers[place])
    raise TypeError(f"{stage} is not computed alone")


def resample(stage: Resample, pixels: Pixels, place: int, *, has_alpha: bool) -> Pixels:
    """Move a picture by all moves of a stage at once; what is outside of one with transparency is transparent."""
    return _prepare_resampling(stage, has_alpha=has_alpha)(pixels, place)


def _prepare_resampling(stage: Resample, *, has_alpha: bool) -> Runner:
    if has_alpha:
        stage = dataclasses.replace(stage, fill=Fill(stage.fill.mode))
        if stage.interpolation != "nearest":
            run = _prepare_resampling(stage, has_alpha=False)
            return lambda pixels, place: through_alpha(pixels, lambda weighed: run(weighed, place))
    only = stage.pieces[0]
    if len(stage.pieces) == 1 and isinstance(only, np.ndarray):
        return MatrixMoves(only, stage.heights, stage.widths, stage.fill, stage.interpolation).apply
    return lambda pixels, place: gather(pixels, find_sources(stage, place), stage.fill, stage.interpolation)


def find_sources(stage: Resample, place: int) -> NDArray[np.float32]:
    """Return where each pixel comes from, as (x, y) in pixels of the picture before, shape (h, w, 2)."""
    ys, xs = (np.arange(int(sides[place]), dtype=np.float64) + 0.5 for sides in (stage.heights, stage.widths))
    pieces = list(stage.pieces)
    last = pieces[-1]
    if isinstance(last, np.ndarray) and is_upright(last[place]):
        matrix = last[place]
        xs, ys = (xs - matrix[0, 2]) / matrix[0, 0], (ys - matrix[1, 2]) / matrix[1, 1]
        pieces.pop()
    points: F64 = np.stack(np.meshgrid(xs, ys), axis=2)
    if pieces and isinstance(pieces[-1], tuple):
        field, rows = pieces.pop()
        row = int(rows[place])
        size = int(field.heights[row]), int(field.widths[row])
        points = points + sample_lattice(field.offsets[row], xs, ys, size, field.spline)
    return trace_back(dataclasses.replace(stage, pieces=pieces), place, points).astype(np.float32)


def is_upright(matrix: F64) -> bool:
    """Tell whether rows stay rows, and columns columns, neither closer nor farther at their ends."""
    return bool(matrix[0, 1] == matrix[1, 0] == matrix[2, 0] == matrix[2, 1] == 0 and matrix[2, 2] == 1)


def _prepare_colours(matrices: F64, frames: Frames) -> Runner:
    """Prepare to mix colours linearly, by matrices (m, k, k + 1), white is 1; transparency stays."""
    count, colours = matrices.shape[:2]
    scaled = matrices.astype(np.float32)
    scaled[:, :, -1] *= np.float32(WHITE[frames.depth])
    if frames.has_alpha:
        whole = np.zeros((count, colours + 1, colours + 2), np.float32)
        whole[:, :colours, :colours], whole[:, :colours, -1] = scaled[:, :, :-1], scaled[:, :, -1]
        whole[:, -1, -2] = 1
        scaled = whole
    if scaled.shape[1] > MAX_CHANNELS:
        return lambda pixels, place: to_depth(_mix_many(pixels, scaled[place]), pixels.dtype)
    return lambda pixels, place: _mix_few(pixels, scaled[place])


def _mix_few(pixels: Pixels, matrix: NDArray[np.float32]) -> Pixels:
    mixed = cv2.transform(pixels, matrix).reshape(pixels.shape)
    return np.clip(mixed, 0, 1) if mixed.dtype == np.float32 else mixed


def _mix_many(pixels: Pixels, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    white = np.float32(WHITE[pixels.dtype.name])
    return (pixels.astype(np.float32) @ matrix[:, :-1].T + matrix[:, -1]) / white


def _relevel_row(
    functions: Sequence[Callable[[F64, int], F64]], rows: Sequence[int], pixels: Pixels, place: int, *, has_alpha: bool
) -> Pixels:
    return relevel(pixels, lambda levels: _chain(functions, levels, rows[place]), has_alpha=has_alpha)


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
