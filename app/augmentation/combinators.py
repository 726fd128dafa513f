"""Combinators: all of some operations, one of them, several of them, or all in any order."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from app.augmentation.draws import F64, I64, whole_between
from app.augmentation.nodes import Combinator, Mask, Node, count_steps
from app.augmentation.operation import Bounds

if TYPE_CHECKING:
    AnyNode: TypeAlias = Node

MAX_HELD = 64
MAX_ORDERED = 8
MAX_WEIGHT = 1e6


class Sequence(Combinator):
    """Apply all operations in order; with `p`, all or none."""

    op: Literal["sequence"] = "sequence"
    ops: list["AnyNode"] = Field(min_length=1, max_length=MAX_HELD, description="Operations.")

    @property
    def num_steps(self) -> int:
        """Operations that it may apply."""
        return _count_held(self.ops)

    def choose(self, uniform: F64) -> Iterator[tuple[Node, Mask]]:
        """Choose all."""
        for node in self.ops:
            yield node, np.ones(len(uniform), np.bool_)


class OneOf(Combinator):
    """Apply one of several operations."""

    num_words = 1

    op: Literal["one_of"] = "one_of"
    ops: list["AnyNode"] = Field(min_length=1, max_length=MAX_HELD, description="Operations.")
    weights: list[Annotated[float, Field(ge=0, le=MAX_WEIGHT)]] | None = Field(
        None, description="How often each is chosen, in proportion; equally without."
    )

    @model_validator(mode="after")
    def _check_weights(self) -> "OneOf":
        if self.weights is not None and len(self.weights) != len(self.ops):
            raise ValueError("there are as many weights as operations")
        if self.weights is not None and not sum(self.weights) > 0:
            raise ValueError("some weight is above 0")
        return self

    @property
    def num_steps(self) -> int:
        """Operations that it may apply."""
        return _count_held(self.ops)

    def choose(self, uniform: F64) -> Iterator[tuple[Node, Mask]]:
        """Choose one by inversion of the weights' sums."""
        chosen = choose_weighed(uniform[:, 0], self.weights or [1.0] * len(self.ops))
        for number, node in enumerate(self.ops):
            yield node, chosen == number


class SomeOf(Combinator):
    """Apply several of some operations: in their order, or with `replace` each drawn anew."""

    op: Literal["some_of"] = "some_of"
    ops: list["AnyNode"] = Field(min_length=1, max_length=MAX_HELD, description="Operations.")
    num: Annotated[list[int], Bounds(0, MAX_HELD)] = Field([1, 2], description="How many are applied.")
    replace: bool = Field(False, description="Whether an operation may be chosen again, and any may come first.")

    @model_validator(mode="after")
    def _check_number(self) -> "SomeOf":
        if not self.replace and self.num[1] > len(self.ops):
            raise ValueError("without replace, at most as many are chosen as there are")
        return self

    @property
    def words(self) -> int:
        """Random numbers that a choice takes: how many, and one for each draw or operation."""
        return 1 + (self.num[1] if self.replace else len(self.ops))

    @property
    def num_steps(self) -> int:
        """Operations that it may apply."""
        return _count_held(self.ops) * (self.num[1] if self.replace else 1)

    def choose(self, uniform: F64) -> Iterator[tuple[Node, Mask]]:
        """Choose by ranks of random numbers, or draw after draw."""
        counts = whole_between(uniform[:, 0], *self.num)
        if not self.replace:
            ranks = rank(uniform[:, 1:])
            for number, node in enumerate(self.ops):
                yield node, ranks[:, number] < counts
            return
        drawn = whole_between(uniform[:, 1:], 0, len(self.ops) - 1)
        for draw in range(self.num[1]):
            for number, node in enumerate(self.ops):
                yield node, (drawn[:, draw] == number) & (counts > draw)


class RandomOrder(Combinator):
    """Apply all operations, in an order drawn for each output."""

    op: Literal["random_order"] = "random_order"
    ops: list["AnyNode"] = Field(min_length=1, max_length=MAX_ORDERED, description="Operations.")

    @property
    def words(self) -> int:
        """Random numbers that a choice takes."""
        return len(self.ops)

    @property
    def num_steps(self) -> int:
        """Operations that it may apply, each in each place."""
        return _count_held(self.ops) * len(self.ops)

    def choose(self, uniform: F64) -> Iterator[tuple[Node, Mask]]:
        """Choose one for each place."""
        ranks = rank(uniform)
        for place in range(len(self.ops)):
            for number, node in enumerate(self.ops):
                yield node, ranks[:, number] == place


def choose_weighed(uniform: F64, weights: list[float]) -> I64:
    """Choose among things by their weights.

    Args:
        uniform: Numbers in (0, 1), shape (n,).
        weights: Not below 0, some above.

    Returns:
        Numbers of things, shape (n,); none whose weight is 0.
    """
    sums = np.cumsum(weights)
    return np.asarray(np.searchsorted(sums, uniform * sums[-1], side="right"), np.int64)


def rank(uniform: F64) -> I64:
    """Return the place of each number in the order of its row, shape (n, k)."""
    order = np.argsort(uniform, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(uniform.shape[1]), uniform.shape), axis=1)
    return places


def _count_held(nodes: list[Node]) -> int:
    return sum(map(count_steps, nodes))
