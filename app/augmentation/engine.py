"""Pictures and a policy in, augmented pictures and what was applied to them out."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from app.augmentation.cpu import Renderer, render
from app.augmentation.frames import Pixels, frames_of
from app.augmentation.operations.mixing import Mixing, check_mixable
from app.augmentation.orders import Order, plan_frames
from app.augmentation.sampler import Plan

ROWS_AT_ONCE = 4096


class Source(NamedTuple):
    """One input.

    Attributes:
        pixels: Shape (H, W, C).
        key: What its draws hang on: from ``key_of``.
        has_alpha: Whether its last channel is transparency.
    """

    pixels: Pixels
    key: int
    has_alpha: bool = False


class Output(NamedTuple):
    """One output.

    Attributes:
        source: Number of its input.
        pixels: Shape (h, w, C).
        plan: What was applied to this and others.
        row: Its number in the plan.
        plans: Of all inputs, where they are mixed.
    """

    source: int
    pixels: Pixels
    plan: Plan
    row: int
    plans: Sequence[Plan] = ()

    @property
    def copy(self) -> int:
        """Which copy of its input it is."""
        return int(self.plan.rows.copies[self.row])

    @property
    def patch(self) -> int:
        """Which part of the copy it is."""
        return int(self.plan.rows.patches[self.row])


def augment(sources: Sequence[Source], order: Order) -> Iterator[Output]:
    """Augment inputs, input by input and copy by copy.

    Args:
        sources: The inputs; operations that mix take their partners from them.
        order: What is asked for.

    Raises:
        InvalidInputError: If an operation does not go with an input.
        LimitExceededError: If an output has too many pixels.
    """
    if any(isinstance(node, Mixing) for node in order.nodes):
        yield from _augment_together(sources, order)
    elif len({_kind(one) for one in sources}) == 1:
        yield from _augment_alike(sources, order)
    else:
        for number, source in enumerate(sources):
            plan = plan_inputs([source], order)
            for row, pixels in enumerate(render(plan, [source.pixels], None)):
                yield Output(number, pixels, plan, row)


def _kind(source: Source) -> tuple[Any, ...]:
    return source.pixels.shape, source.pixels.dtype, source.has_alpha


def plan_inputs(sources: Sequence[Source], order: Order) -> Plan:
    """Draw for inputs of one kind and size.

    Args:
        sources: The inputs.
        order: What is asked for.

    Raises:
        InvalidInputError: If an operation does not go with the inputs.
        LimitExceededError: If an output has too many pixels.
    """
    first = sources[0]
    frames = frames_of(first.pixels, len(sources) * order.copies, has_alpha=first.has_alpha)
    return plan_frames(frames, [one.key for one in sources], order)


def _augment_alike(sources: Sequence[Source], order: Order) -> Iterator[Output]:
    """Draw for many inputs of one size at once: for small pictures that takes most of the time."""
    at_once = max(1, ROWS_AT_ONCE // order.copies)
    for start in range(0, len(sources), at_once):
        some = sources[start : start + at_once]
        plan = plan_inputs(some, order)
        each = len(plan.rows) // len(some)
        numbers = np.repeat(np.arange(len(some)), each)
        outputs = render(plan, [one.pixels for one in some], numbers)
        for row, pixels in enumerate(outputs):
            yield Output(start + row // each, pixels, plan, row)


def _augment_together(sources: Sequence[Source], order: Order) -> Iterator[Output]:
    plans = [plan_inputs([source], order) for source in sources]
    check_mixable([plan.before for plan in plans])
    renderer = Renderer([source.pixels for source in sources], plans)
    for number, plan in enumerate(plans):
        for row, pixels in enumerate(renderer.render(number)):
            yield Output(number, pixels, plan, row, plans)
