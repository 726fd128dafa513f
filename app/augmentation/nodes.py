"""Operations that hold others: what is applied is chosen anew for each output."""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from app.augmentation.draws import F64
from app.augmentation.frames import Frames
from app.augmentation.operation import Columns, Operation, Probability

Mask: TypeAlias = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """An operation whose parameters its combinator draws.

    Attributes:
        operation: Which.
        columns: Takes the pictures before, returns the parameters of all outputs.
    """

    operation: type[Operation]
    columns: Callable[[Frames], Columns]


class Combinator(BaseModel):
    """Chooses among operations. A trace holds what was chosen, and nothing of the choice.

    Attributes:
        num_words: Random numbers that a choice takes, where that hangs on nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    num_words: ClassVar[int] = 0

    op: str
    p: Probability = 1.0

    @property
    def words(self) -> int:
        """Random numbers that a choice takes."""
        return self.num_words

    @property
    @abstractmethod
    def num_steps(self) -> int:
        """Operations that it may apply, each as often as it may."""

    @abstractmethod
    def choose(self, uniform: F64) -> "Iterator[tuple[Node | Drawn, Mask]]":
        """Choose for some outputs.

        Args:
            uniform: Numbers in (0, 1), shape (n, ``words``).

        Yields:
            Operations in the order of their application, each with the outputs that it is applied to, shape (n,).
            How many are yielded may not hang on the numbers, but for ``Drawn``, which draws nothing.
        """


Node: TypeAlias = Operation | Combinator


def count_steps(node: Node) -> int:
    """Count the operations that a node may apply, each as often as it may."""
    return node.num_steps if isinstance(node, Combinator) else 1
