"""An order of training images in which every class comes up equally often, however many images it has."""

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from app.training.randomness import create_generator


class BalancedOrder:
    """An endless order of images, asked for at any place: there is no position to save.

    It runs in rounds. Each round shows every class once, in an order of its own; a class shows each of its images once
    before it starts over, in a new order. So over whole rounds classes are exactly equally frequent, and no image of a
    class is ever more than once ahead of another.

    Args:
        labels: Class of each image; classes without images are left out.
        seed: Of the run.
    """

    def __init__(self, labels: NDArray[np.int64], seed: int) -> None:
        by_class = np.argsort(labels, kind="stable")
        _, starts = np.unique(labels[by_class], return_index=True)
        self._members = np.split(by_class, starts[1:])
        self._seed = seed
        self._rounds: dict[int, list[int]] = {}
        self._orders: dict[int, tuple[int, NDArray[np.int64]]] = {}

    def indices(self, position: int, count: int) -> Int[Tensor, " count"]:
        """Return which images come at places ``position`` to ``position + count`` of the order."""
        classes = len(self._members)
        chosen = [self._choose(*divmod(place, classes)) for place in range(position, position + count)]
        return torch.tensor(chosen, dtype=torch.int64)

    def _choose(self, number: int, place: int) -> int:
        """Return the image at a place of a round."""
        group = self._round(number)[place]
        epoch, offset = divmod(number, len(self._members[group]))
        return int(self._order(group, epoch)[offset])

    def _round(self, number: int) -> list[int]:
        """Return the order of classes in a round."""
        if number not in self._rounds:
            generator = create_generator(self._seed, "classes", number)
            order: list[int] = torch.randperm(len(self._members), generator=generator).tolist()
            self._rounds = {number: order}
        return self._rounds[number]

    def _order(self, group: int, epoch: int) -> NDArray[np.int64]:
        """Return a class's images in the order of one of its epochs; the last one is kept."""
        known = self._orders.get(group)
        if known is None or known[0] != epoch:
            generator = create_generator(self._seed, f"order of class {group}", epoch)
            members = self._members[group]
            known = epoch, members[torch.randperm(len(members), generator=generator).numpy()]
            self._orders[group] = known
        return known[1]
