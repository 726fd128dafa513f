"""What an operation is: parameters of a policy, drawn to those of one output, and what these do."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from app.augmentation.draws import F64, I64
from app.augmentation.frames import Frames
from app.augmentation.primitives import Border, Fill, Interpolation, Primitive

Columns: TypeAlias = Mapping[str, Any]
"""Drawn parameters by their names in a trace: an array with one entry per output, or one value for all of them."""

Probability = Annotated[float, Field(ge=0, le=1, description="Chance that the operation is applied to an output.")]
Level = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
MAX_SIDE = 16384
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Key = Annotated[int, Field(ge=0, lt=2**52, description="Key of the noise.")]


def _check_order(bounds: list[Any]) -> list[Any]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower end of a range comes first")
    return bounds


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Marks ``list[float]`` or ``list[int]`` as a range ``[lo, hi]`` whose ends lie in [low, high]."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build the check for pydantic."""
        item = Field(ge=self.low, le=self.high)
        ends: Any = list[Annotated[get_args(source)[0], item]]  # type: ignore[misc] # known when it runs
        whole: Any = Annotated[ends, Field(min_length=2, max_length=2), AfterValidator(_check_order)]
        return handler.generate_schema(whole)


class Applied(BaseModel):
    """Parameters of an operation as they were applied to one output: what a trace holds and replays.

    A subclass has a field ``op`` with the operation's name, and bounds on every number: traces come from callers too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    op: str


class Operation(BaseModel):
    """An operation of a policy.

    A subclass has a field ``op`` with its name, and its parameters with units in their names. Its docstring's first
    line describes it to callers.

    Attributes:
        num_words: Random numbers that ``sample`` takes.
        applied: What a trace holds of it.
        needs_rgb: Whether pictures must be grey, or have red, green and blue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    num_words: ClassVar[int] = 0
    applied: ClassVar[type[Applied]]
    needs_rgb: ClassVar[bool] = False

    op: str
    p: Probability = 1.0

    @property
    def fan_out(self) -> int:
        """How many parts it makes of each picture; more than one only without ``p``."""
        return 1

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        """Draw the parameters of some outputs.

        Args:
            uniform: Numbers in (0, 1), shape (n, ``num_words``).
            frames: The pictures before.

        Returns:
            By the names of ``applied``, without ``op``.
        """
        raise NotImplementedError

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        """Check drawn parameters against the pictures that they are applied to.

        Raises:
            InvalidInputError: If they do not go together.
        """

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Primitive:
        """Say what drawn parameters do.

        Args:
            columns: As ``sample`` returns them, from there or from traces.
            frames: The pictures before; also those that it is not applied to, and that ``check`` would refuse.
        """
        raise NotImplementedError


class Bordered(Operation):
    """An operation that shows what lies outside of a picture."""

    fill: Border = Field(
        "constant", description="What lies outside: `constant`, `edge` repeated, `reflect`ed, or `wrap`ped around."
    )
    value: Level = Field(0.0, description="Level of a constant fill: black 0 to white 1.")

    @property
    def outside(self) -> Columns:
        """The fields of this class, for a trace."""
        return {"fill": self.fill, "value": self.value}


class Filled(Bordered):
    """One that looks between pixels, too."""

    interpolation: Interpolation = Field("linear", description="Between pixels. Masks always take the nearest.")

    @property
    def outside(self) -> Columns:
        """The fields of these classes, for a trace."""
        return {**super().outside, "interpolation": self.interpolation}


class AppliedBordered(Applied):
    """Parameters of an operation that shows what lies outside."""

    fill: Border
    value: Level


class AppliedFilled(AppliedBordered):
    """Parameters of one that looks between pixels, too."""

    interpolation: Interpolation


def read_fill(columns: Columns) -> Fill:
    """Read the fill of the drawn parameters."""
    return Fill(columns["fill"], float(np.max(columns["value"])))


def spread(value: Any, frames: Frames) -> NDArray[Any]:
    """Return a drawn parameter as one entry per output."""
    column = np.asarray(value)
    return column if column.shape == (len(frames),) else np.full(len(frames), column)


def round_half_up(numbers: F64) -> I64:
    """Round to whole numbers."""
    return np.floor(numbers + 0.5).astype(np.int64)


def identity(count: int, size: int = 3) -> NDArray[np.float64]:
    """Return so many identity matrices, shape (count, size, size)."""
    matrices = np.zeros((count, size, size))
    matrices.reshape(count, -1)[:, :: size + 1] = 1
    return matrices


def at_centre(matrices: F64, frames: Frames) -> F64:
    """Have matrices act around the centre of each picture."""
    centres = np.stack([frames.widths / 2, frames.heights / 2], axis=1)
    moved = matrices.copy()
    moved[:, :2, 2] += centres - np.einsum("nij,nj->ni", matrices[:, :2, :2], centres)
    return moved
