"""What is asked of the engine, and what is drawn for it: nothing here touches pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from app.augmentation.draws import Rows
from app.augmentation.frames import Frames
from app.augmentation.nodes import Node
from app.augmentation.sampler import Plan, Sampler


class Order(NamedTuple):
    """What is asked for.

    Attributes:
        nodes: Operations of the policy.
        seed: Of the request, in [0, 2**63).
        copies: Per input.
        first_copy: Number of the first.
        max_pixels: Most of one output.
    """

    nodes: Sequence[Node]
    seed: int
    copies: int = 1
    first_copy: int = 0
    max_pixels: int = 2**25


def plan_frames(frames: Frames, keys: Sequence[int], order: Order) -> Plan:
    """Draw for inputs that may be known by their sizes only.

    Args:
        frames: Each input as often as it is copied.
        keys: One per input.
        order: What is asked for.

    Raises:
        InvalidInputError: If an operation does not go with the inputs.
        LimitExceededError: If an output has too many pixels.
    """
    copies = np.arange(order.first_copy, order.first_copy + order.copies, dtype=np.int64)
    rows = Rows(
        order.seed,
        np.repeat(np.array(keys, np.uint64), order.copies),
        np.tile(copies, len(keys)),
        np.zeros(len(keys) * order.copies, np.int64),
    )
    return Sampler(rows, frames, order.max_pixels).run(order.nodes)
