"""From a policy to what is applied to each output: all random numbers are drawn here, and none elsewhere."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import I64, MAX_ORDINALS, MAX_PATCHES, Rows
from app.augmentation.frames import Frames
from app.augmentation.nodes import Combinator, Drawn, Mask, Node
from app.augmentation.operation import Columns, Operation
from app.augmentation.primitives import Displacement, Mix, Primitive, Warp
from app.core.errors import InvalidInputError, LimitExceededError

MAX_MOVED_SIDE = 2**15 - 2
"""Of pictures before and after a move: OpenCV counts with 16 bits there."""


_AHEAD, _AHEAD_WORDS = 16, 24
"""Draws that are made at once for few outputs, and the numbers of each."""
_AHEAD_ROWS = 64


@dataclasses.dataclass(frozen=True)
class Step:
    """One operation, for all outputs.

    Attributes:
        operation: Which.
        columns: Its drawn parameters.
        applied: To which outputs, shape (n,).
        before: The pictures before it.
        primitive: What it does.
    """

    operation: type[Operation]
    columns: Columns
    applied: Mask
    before: Frames
    primitive: Primitive

    def take(self, indices: I64) -> "Step":
        """Return the step for some outputs, an output as often as it is named."""
        count = len(self.applied)
        columns = {name: take_rows(value, indices, count) for name, value in self.columns.items()}
        before = self.before.take(indices)
        return Step(self.operation, columns, self.applied[indices], before, self.operation.build(columns, before))


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is applied to some outputs of one input.

    Attributes:
        rows: The outputs.
        steps: In order.
        before: The input.
        after: The outputs' pictures.
    """

    rows: Rows
    steps: Sequence[Step]
    before: Frames
    after: Frames


class Sampler:
    """Draws a policy for some outputs.

    Args:
        rows: The outputs.
        frames: Their inputs.
        max_pixels: Most of one output.
    """

    def __init__(self, rows: Rows, frames: Frames, max_pixels: int) -> None:
        self._rows = rows
        self._before = self._frames = frames
        self._max_pixels = max_pixels
        self._steps: list[Step] = []
        self._ordinal = 0
        self._ahead: tuple[int, NDArray[np.float64]] | None = None

    def run(self, nodes: Sequence[Node]) -> Plan:
        """Draw.

        Raises:
            InvalidInputError: If an operation does not go with the pictures.
            LimitExceededError: If outputs have too many pixels, or the policy draws too often.
        """
        for node in nodes:
            self._visit(node, np.ones(len(self._rows), np.bool_))
        return Plan(self._rows, self._steps, self._before, self._frames)

    def _visit(self, node: Node, mask: Mask) -> None:
        chance = self._draw(1)[:, 0] < node.p if node.p < 1 else True
        if isinstance(node, Combinator):
            for child, chosen in node.choose(self._draw(node.words)):
                self._visit_child(child, mask & chance & chosen)
        elif node.fan_out > 1:
            self._fan_out(node)
        else:
            self._apply(type(node), node.sample(self._draw(node.num_words), self._frames), mask & chance)

    def _visit_child(self, node: Node | Drawn, mask: Mask) -> None:
        """Visit what was chosen; what is applied to no output costs nothing, and draws by the same numbers."""
        if isinstance(node, Drawn):
            if mask.any():
                self._apply(node.operation, node.columns(self._frames), mask)
        elif isinstance(node, Operation) and not mask.any():
            check_kind(type(node), self._frames)
            self._ordinal += 1 + (node.p < 1)
        else:
            self._visit(node, mask)

    def _fan_out(self, node: Operation) -> None:
        """Make parts of every output; a part draws by its own number from here on."""
        count = node.fan_out
        indices = np.repeat(np.arange(len(self._rows)), count)
        parts = np.tile(np.arange(count), len(self._rows))
        patches = self._rows.patches[indices] * count + parts
        if patches.max(initial=0) >= MAX_PATCHES:
            raise LimitExceededError(f"a policy makes at most {MAX_PATCHES} parts of a picture", limit=MAX_PATCHES)
        self._rows = self._rows.take(indices, patches)
        self._ahead = None
        self._steps = [step.take(indices) for step in self._steps]
        self._before, self._frames = self._before.take(indices), self._frames.take(indices)
        columns = {**node.sample(self._draw(node.num_words), self._frames), "part": parts}
        self._apply(type(node), columns, np.ones(len(self._rows), np.bool_))

    def _apply(self, operation: type[Operation], columns: Columns, mask: Mask) -> None:
        step = make_step(operation, columns, mask, self._frames)
        self._frames = frames_after(step, self._max_pixels)
        self._steps.append(step)

    def _draw(self, words: int) -> NDArray[np.float64]:
        if self._ordinal >= MAX_ORDINALS:
            raise LimitExceededError(f"a policy draws at most {MAX_ORDINALS} times", limit=MAX_ORDINALS)
        self._ordinal += 1
        return self._look_up(self._ordinal - 1, words) if words else np.empty((len(self._rows), 0))

    def _look_up(self, ordinal: int, words: int) -> NDArray[np.float64]:
        """Return a draw: for few outputs, of those that were made ahead."""
        if words > _AHEAD_WORDS or len(self._rows) > _AHEAD_ROWS:
            return self._rows.uniform(ordinal, words)
        first = ordinal // _AHEAD * _AHEAD
        if self._ahead is None or self._ahead[0] != first:
            self._ahead = first, self._rows.uniform_of(range(first, min(first + _AHEAD, MAX_ORDINALS)), _AHEAD_WORDS)
        return self._ahead[1][:, ordinal - first, :words]


def make_step(operation: type[Operation], columns: Columns, mask: Mask, frames: Frames) -> Step:
    """Say what drawn parameters do to pictures.

    Raises:
        InvalidInputError: If the operation does not go with the pictures.
    """
    check_kind(operation, frames)
    if mask.all():
        operation.check(columns, frames)
    else:
        indices = np.flatnonzero(mask)
        chosen = {name: take_rows(value, indices, len(frames)) for name, value in columns.items()}
        operation.check(chosen, frames.take(indices))
    return Step(operation, columns, mask, frames, operation.build(columns, frames))


def check_kind(operation: type[Operation], frames: Frames) -> None:
    """Check that an operation goes with the kind of the pictures.

    Raises:
        InvalidInputError: If not.
    """
    if operation.needs_rgb and not frames.is_grey_or_rgb:
        name = operation.model_fields["op"].default
        raise InvalidInputError(
            f"`{name}` needs pictures in grey, or in red, green and blue; these have {frames.colours} channels"
        )


def frames_after(step: Step, max_pixels: int) -> Frames:
    """Return the pictures after a step.

    Raises:
        LimitExceededError: If one has too many pixels, or a side is too long to be moved.
    """
    before, primitive = step.before, step.primitive
    if not isinstance(primitive, Warp | Displacement):
        return before
    heights, widths = primitive.heights, primitive.widths
    if not step.applied.all():
        heights = np.where(step.applied, heights, before.heights)
        widths = np.where(step.applied, widths, before.widths)
    if heights is before.heights and widths is before.widths and _are_short(before):
        return before
    if (heights * widths).max(initial=0) > max_pixels:
        raise LimitExceededError(f"one output may have at most {max_pixels} pixels", limit=max_pixels)
    sides = np.stack([before.heights, before.widths, heights, widths])
    if (sides * step.applied).max(initial=0) > MAX_MOVED_SIDE:
        raise LimitExceededError(f"sides are moved up to {MAX_MOVED_SIDE} pixels", limit=MAX_MOVED_SIDE)
    return before.resized(heights, widths)


def _are_short(frames: Frames) -> bool:
    """Tell whether nothing about moving these pictures is in doubt."""
    return max(int(frames.heights.max(initial=0)), int(frames.widths.max(initial=0))) <= MAX_MOVED_SIDE


def take_rows(value: Any, indices: I64, count: int) -> Any:
    """Return the entries of a column for some outputs; a value for all of them stays."""
    return value[indices] if isinstance(value, np.ndarray) and value.shape[:1] == (count,) else value


Moves: TypeAlias = Warp | Displacement


def has_mix(plan: Plan) -> bool:
    """Tell whether outputs need other inputs."""
    return any(isinstance(step.primitive, Mix) for step in plan.steps)
