"""Lanes: processes that train one network together, each on its share of every batch."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Result = TypeVar("Result")


class Lanes:
    """One lane, or several that are joined by Lightning Fabric's collectives.

    Gradients are averaged by hand, not by a wrapper around the networks: penalties take several passes through a
    network per update, and partial ones.
    """

    def __init__(self, fabric: "Fabric | None" = None, *, num_nodes: int = 1) -> None:
        self._fabric = fabric
        self.count = fabric.world_size if fabric else 1
        self.index = fabric.global_rank if fabric else 0
        self.local_count = self.count // num_nodes
        self.local_index = fabric.local_rank if fabric else 0

    @property
    def is_first(self) -> bool:
        """Whether this lane writes files and talks."""
        return self.index == 0

    def share(self, whole: Tensor) -> Tensor:
        """Return this lane's rows of a batch: every ``count``-th one, so that order in a batch does not matter."""
        return whole[self.index :: self.count]

    def average_gradients(self, network: nn.Module) -> None:
        """Replace each gradient by its mean over the lanes, in one transfer."""
        if self._fabric is None:
            return
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        mean = self._reduce(flat)
        for gradient, part in zip(
            gradients, torch.split(mean, [gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def average(self, value: float) -> float:
        """Return the mean of a number over the lanes."""
        if self._fabric is None:
            return value
        return float(self._reduce(torch.tensor(value, dtype=torch.float64)))

    def agree(self, *, wish: bool) -> bool:
        """Tell whether any lane wishes something; the same answer in all of them."""
        return wish if self._fabric is None else self.average(float(wish)) > 0

    def take_turns(self, work: Callable[[], Result]) -> Result:
        """Do something in the first lane, then in the others: they find what it wrote."""
        if self._fabric is None:
            return work()
        if self.is_first:
            result = work()
            self._fabric.barrier()
            return result
        self._fabric.barrier()
        return work()

    def _reduce(self, values: Tensor) -> Tensor:
        mean = cast("Fabric", self._fabric).all_reduce(values, reduce_op="mean")
        return cast("Tensor", mean)
