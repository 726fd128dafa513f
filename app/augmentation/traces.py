"""Traces: what was applied to one output, as JSON that replays it to the byte."""

import weakref
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.augmentation.draws import Rows
from app.augmentation.frames import Frames
from app.augmentation.operation import Applied, Operation
from app.augmentation.registry import OPERATIONS
from app.augmentation.sampler import Plan, Step, frames_after, make_step

MAX_STEPS = 256

_AnyApplied: Any = Annotated[reduce(or_, (operation.applied for operation in OPERATIONS)), Field(discriminator="op")]
_BY_NAME: Mapping[str, type[Operation]] = {operation.model_fields["op"].default: operation for operation in OPERATIONS}

_Listed: TypeAlias = tuple[str, list[tuple[str, Any, bool]], list[bool]]
_LISTED: dict[int, list[_Listed]] = {}


class Trace(BaseModel):
    """What was applied to one output."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    steps: list[_AnyApplied] = Field(max_length=MAX_STEPS, description="Operations with their parameters, in order.")


def dump_trace(plan: Plan, row: int) -> list[dict[str, Any]]:
    """Return what was applied to an output, as JSON holds it."""
    return [
        {"op": name, **{key: value[row] if is_each else value for key, value, is_each in columns}}
        for name, columns, applied in _list_steps(plan)
        if applied[row]
    ]


def _list_steps(plan: Plan) -> list[_Listed]:
    """Return all steps of a plan as lists, which are read faster than arrays."""
    listed = _LISTED.get(id(plan))
    if listed is None:
        listed = _LISTED[id(plan)] = [_list_step(step, len(plan.rows)) for step in plan.steps]
        weakref.finalize(plan, _LISTED.pop, id(plan), None)
    return listed


def _list_step(step: Step, count: int) -> _Listed:
    columns = []
    # In one order whoever made the columns: a file that says what was applied is the same when that is replayed.
    for name in filter(step.columns.__contains__, step.operation.applied.model_fields):
        column = step.columns[name]
        is_each = isinstance(column, np.ndarray) and column.shape[:1] == (count,)
        columns.append((name, list(map(_plain, column)) if is_each else column, is_each))
    return step.operation.model_fields["op"].default, columns, step.applied.tolist()


def replay(traces: Sequence[Trace], frames: Frames, max_pixels: int) -> list[Plan]:
    """Make a plan of each trace.

    Args:
        traces: What is to be applied.
        frames: The picture; one.
        max_pixels: Most of one output.

    Raises:
        InvalidInputError: If an operation does not go with the picture.
        LimitExceededError: If an output has too many pixels.
    """
    return [_plan(trace, frames, max_pixels) for trace in traces]


def _plan(trace: Trace, frames: Frames, max_pixels: int) -> Plan:
    steps: list[Step] = []
    before = frames
    for applied in trace.steps:
        step = make_step(_BY_NAME[applied.op], columns_of(applied), np.ones(1, np.bool_), frames)
        frames = frames_after(step, max_pixels)
        steps.append(step)
    return Plan(Rows(0, np.zeros(1, np.uint64), np.zeros(1, np.int64), np.zeros(1, np.int64)), steps, before, frames)


def columns_of(applied: Applied) -> dict[str, Any]:
    """Return the parameters of one output as columns of one."""
    return {name: _column(value) for name, value in applied.model_dump(exclude={"op"}).items()}


def _column(value: Any) -> Any:
    return np.array([value]) if isinstance(value, int | float | list) and not isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
