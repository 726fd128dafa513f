"""Which range of a dataset a process reads, among the ranks of a training run and the workers of a loader."""

from typing import NamedTuple

import torch
from torch.utils.data import get_worker_info


class Place(NamedTuple):
    """A process among those of a training run.

    Attributes:
        rank: Its number.
        world_size: How many there are.
    """

    rank: int
    world_size: int


def find_place() -> Place:
    """Tell this process's place, as ``torch.distributed`` knows it; the only one where that is not set up."""
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return Place(distributed.get_rank(), distributed.get_world_size())
    return Place(0, 1)


def find_worker() -> Place:
    """Tell which worker of a loader this is; the only one outside of workers."""
    info = get_worker_info()
    return Place(0, 1) if info is None else Place(info.id, info.num_workers)


def cut(start: int, stop: int, place: Place) -> tuple[int, int]:
    """Return the range of one of several; ranges differ by one at most, and follow each other."""
    size = stop - start
    return start + size * place.rank // place.world_size, start + size * (place.rank + 1) // place.world_size
