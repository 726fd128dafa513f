"""All operations by their names: the one place that lists them."""

from collections.abc import Mapping

from app.augmentation.combinators import OneOf, RandomOrder, Sequence, SomeOf
from app.augmentation.nodes import Node
from app.augmentation.operation import Operation
from app.augmentation.operations.mixing import Cutmix, Mixup, Mosaic
from app.augmentation.operations.turns import Flip, Rotate, Turn

OPERATIONS: tuple[type[Operation], ...] = (Rotate, Flip, Turn, Mixup, Cutmix, Mosaic)
COMBINATORS: tuple[type[Node], ...] = (Sequence, OneOf, SomeOf, RandomOrder)


def _name(node: type[Node]) -> str:
    return str(node.model_fields["op"].default)


BY_NAME: Mapping[str, type[Node]] = {_name(node): node for node in (*OPERATIONS, *COMBINATORS)}
