"""The way of targets through what is computed for an output: the stages of the renderer that move pixels."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from app.augmentation.draws import F64
from app.augmentation.primitives import Displacement, Fill, Mix, Warp
from app.augmentation.program import Program, Resample, before_mixing, mix_of, partner_of, place_rows
from app.augmentation.sampler import Plan
from app.augmentation.targets.documents import Size
from app.core.errors import InvalidInputError

T = TypeVar("T")


class Walker(ABC, Generic[T]):
    """Takes something of each input of a request the way that its pixels take.

    Args:
        inputs: One per input.
    """

    def __init__(self, inputs: Sequence[T]) -> None:
        self._inputs = inputs
        self._placed: dict[int, tuple[Plan, list[tuple[Program, int]]]] = {}
        self._starts: dict[int, tuple[Plan, Plan]] = {}

    @abstractmethod
    def resample(self, thing: T, stage: Resample, place: int) -> T:
        """Move pixels; ``place`` is the number of the output in the stage."""

    @abstractmethod
    def mix(self, things: Sequence[T], mix: Mix, row: int) -> T:
        """Put an input, and the others that are mixed in, together."""

    def walk(self, number: int, plan: Plan, row: int, plans: Sequence[Plan]) -> T:
        """Go the way of an output.

        Args:
            number: Of its input.
            plan: What is applied to it.
            row: Its number in the plan.
            plans: Of all inputs, where pictures are mixed.
        """
        thing = self._inputs[number]
        program, place = self._find(plan, row)
        for stage in program.stages:
            mix = mix_of(stage)
            if mix is not None:
                others = [partner_of(number, one, len(self._inputs)) for one in mix.partners[row]]
                thing = self.mix([thing, *(self._before_mixing(one, plans[one], row) for one in others)], mix, row)
            elif isinstance(stage, Resample):
                thing = self.resample(thing, stage, place)
        return thing

    def _before_mixing(self, number: int, plan: Plan, row: int) -> T:
        if id(plan) not in self._starts:
            self._starts[id(plan)] = plan, before_mixing(plan)
        return self.walk(number, self._starts[id(plan)][1], row, ())

    def _find(self, plan: Plan, row: int) -> tuple[Program, int]:
        if id(plan) not in self._placed:
            self._placed[id(plan)] = plan, place_rows(plan)
        return self._placed[id(plan)][1][row]


@dataclasses.dataclass(frozen=True)
class Way:
    """What moves the pixels of one output, for the way back.

    Attributes:
        before: Size of the input.
        stages: In order.
        place: Number of the output in them.
    """

    before: Size
    stages: Sequence[Resample]
    place: int = 0

    @property
    def sizes(self) -> Sequence[Size]:
        """Sizes of the input and of what each stage returns."""
        place = self.place
        return [self.before, *((int(stage.heights[place]), int(stage.widths[place])) for stage in self.stages)]


def way_of(plan: Plan, row: int) -> Way:
    """Return what moves the pixels of an output.

    Raises:
        InvalidInputError: If other pictures are mixed in.
    """
    program, place = place_rows(plan)[row]
    if any(mix_of(stage) is not None for stage in program.stages):
        raise InvalidInputError("there is no way back from an output that mixes pictures")
    stages = [stage for stage in program.stages if isinstance(stage, Resample)]
    return Way((int(plan.before.heights[row]), int(plan.before.widths[row])), stages, place)


def way_of_matrix(matrix: F64, before: Size, after: Size) -> Way:
    """Return the way of a matrix.

    Args:
        matrix: Points of the input to points of the output, homogeneous, in pixels; shape (3, 3).
        before: Size of the input.
        after: Size of the output.

    Raises:
        InvalidInputError: If the matrix has no inverse.
    """
    if not np.isfinite(matrix).all() or np.linalg.det(matrix) == 0:
        raise InvalidInputError("the matrix has no inverse")
    heights, widths = np.array([after[0]]), np.array([after[1]])
    return Way(before, [Resample([matrix[None]], heights, widths, Fill(), "nearest")])


def matrix_of(plan: Plan, row: int) -> F64 | None:
    """Return the matrix from points of an input to points of its output; None where a field displaces pixels.

    Where other pictures are mixed in, it is that of the own one.

    Returns:
        Shape (3, 3); its last entry is 1.
    """
    matrix = np.eye(3)
    for step in plan.steps:
        if not step.applied[row]:
            continue
        if isinstance(step.primitive, Displacement):
            return None
        if isinstance(step.primitive, Warp):
            matrix = step.primitive.matrices[row] @ matrix
        elif isinstance(step.primitive, Mix):
            matrix = step.primitive.matrices[row, 0] @ matrix
    return np.asarray(matrix / matrix[2, 2])
