"""From what is applied to what is computed: moves become one resampling, colours one matrix, curves one table."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from app.augmentation.draws import F64, I64
from app.augmentation.frames import Frames
from app.augmentation.primitives import Colour, Curve, Displacement, Fill, Interpolation, Mix, Primitive, Warp
from app.augmentation.sampler import Moves, Plan


@dataclasses.dataclass(frozen=True)
class Resample:
    """All moves up to here as one.

    Attributes:
        pieces: Matrices, from points before to points after, shape (m, 3, 3), and displacements with the number of
            each output in them; in order. No two matrices follow one another.
        heights: Of the pictures after, shape (m,).
        widths: Of the pictures after, shape (m,).
        fill: What lies outside of the pictures before.
        interpolation: Between pixels.
    """

    pieces: "Sequence[F64 | tuple[Displacement, I64]]"
    heights: I64
    widths: I64
    fill: Fill
    interpolation: Interpolation


@dataclasses.dataclass(frozen=True)
class Recolour:
    """One matrix of colours per output, shape (m, k, k + 1)."""

    matrices: F64


@dataclasses.dataclass(frozen=True)
class Relevel:
    """Curves, one after the other; ``rows`` are the outputs' numbers in them."""

    curves: Sequence[Curve]
    rows: I64


@dataclasses.dataclass(frozen=True)
class Redo:
    """Anything else; ``rows`` are the outputs' numbers in it."""

    primitive: Primitive
    rows: I64


Stage: TypeAlias = Resample | Recolour | Relevel | Redo


@dataclasses.dataclass(frozen=True)
class Program:
    """What is computed for outputs that have the same operations applied.

    Attributes:
        rows: The outputs' numbers in their plan, shape (m,).
        stages: In order.
    """

    rows: I64
    stages: Sequence[Stage]


def write_programs(plan: Plan) -> Iterator[Program]:
    """Fold a plan, for each set of operations that outputs of it have applied."""
    for pattern, rows in _find_patterns(plan):
        folder = _Folder(rows)
        for step, applied in zip(plan.steps, pattern, strict=True):
            if applied:
                folder.add(step.primitive, step.before)
        yield Program(rows, folder.finish())


def _find_patterns(plan: Plan) -> Iterator[tuple[list[bool], I64]]:
    """Find which steps outputs have applied; yield each set of steps with the outputs' numbers."""
    counts = [int(np.count_nonzero(step.applied)) for step in plan.steps]
    everyone = len(plan.rows)
    if all(count in {0, everyone} for count in counts):
        if everyone:
            yield [count > 0 for count in counts], np.arange(everyone)
        return
    masks = np.stack([step.applied for step in plan.steps])
    patterns, places = np.unique(masks, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T.tolist()):
        yield pattern, np.flatnonzero(places == number)


def place_rows(plan: Plan) -> list[tuple[Program, int]]:
    """Return the program of each output of a plan, and its number in that."""
    places: dict[int, tuple[Program, int]] = {}
    for program in write_programs(plan):
        places.update({row: (program, place) for place, row in enumerate(program.rows.tolist())})
    return [places[row] for row in range(len(plan.rows))]


class _Folder:
    """Collects moves, and what can wait behind them: colours and curves work on the fewer pixels that moves leave.

    They do not wait behind a constant fill, whose level they would change.
    """

    def __init__(self, rows: I64) -> None:
        self._rows = rows
        self._moves: list[tuple[Moves, Frames]] = []
        self._points: list[Colour | Curve] = []
        self._stages: list[Stage] = []

    def add(self, primitive: Primitive, before: Frames) -> None:
        match primitive:
            case Warp() | Displacement():
                if self._points and primitive.fill is not None and primitive.fill.mode == "constant":
                    self._flush()
                self._moves.append((primitive, before))
            case Colour() | Curve():
                self._points.append(primitive)
            case _:
                self._flush()
                self._stages.append(Redo(primitive, self._rows))

    def finish(self) -> list[Stage]:
        self._flush()
        return self._stages

    def _flush(self) -> None:
        if self._moves:
            self._stages.append(_fold_moves(self._moves, self._rows))
        self._moves = []
        for point in self._points:
            self._add_point(point)
        self._points = []

    def _add_point(self, point: Colour | Curve) -> None:
        last = self._stages[-1] if self._stages else None
        match point, last:
            case Colour(matrices), Recolour(before):
                self._stages[-1] = Recolour(_after(matrices[self._rows], before))
            case Colour(matrices), _:
                self._stages.append(Recolour(matrices[self._rows]))
            case Curve(), Relevel(curves, rows):
                self._stages[-1] = Relevel([*curves, point], rows)
            case Curve(), _:
                self._stages.append(Relevel([point], self._rows))


def _fold_moves(moves: Sequence[tuple[Moves, Frames]], rows: I64) -> Resample:
    pieces: list[F64 | tuple[Displacement, I64]] = []
    fill, interpolation = Fill("edge"), None  # where nothing outside is shown, nothing of it may shine in
    for move, before in moves:
        if isinstance(move, Displacement):
            pieces.append((move, rows))
            heights, widths = before.heights[rows], before.widths[rows]
        else:
            matrices = move.matrices[rows]
            if pieces and isinstance(pieces[-1], np.ndarray):
                pieces[-1] = matrices @ pieces[-1]
            else:
                pieces.append(matrices)
            heights, widths = move.heights[rows], move.widths[rows]
        fill = move.fill or fill
        interpolation = move.interpolation or interpolation
    return Resample(pieces, heights, widths, fill, interpolation or "linear")


def _after(matrices: F64, before: F64) -> F64:
    """Return colour matrices that do ``before`` first, shape (m, k, k + 1)."""
    linear = matrices[:, :, :-1] @ before[:, :, :-1]
    shift = np.einsum("nij,nj->ni", matrices[:, :, :-1], before[:, :, -1]) + matrices[:, :, -1]
    return np.concatenate([linear, shift[:, :, None]], axis=2)


def mix_of(stage: Stage) -> Mix | None:
    """Return what a stage puts together of several inputs; None if it is another stage."""
    return stage.primitive if isinstance(stage, Redo) and isinstance(stage.primitive, Mix) else None


def before_mixing(plan: Plan) -> Plan:
    """Return what a plan applies before it first mixes inputs: what is mixed in has that applied, and no more."""
    end = next((at for at, step in enumerate(plan.steps) if isinstance(step.primitive, Mix)), len(plan.steps))
    return dataclasses.replace(plan, steps=plan.steps[:end])


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
