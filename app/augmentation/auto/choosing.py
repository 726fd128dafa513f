"""What published policies have in common: a level on a scale, a sign, and what lies outside of moved pictures."""

from typing import Annotated

import numpy as np
from pydantic import Field

from app.augmentation.auto.kinds import KINDS
from app.augmentation.draws import F64
from app.augmentation.nodes import Combinator, Drawn, Mask
from app.augmentation.operation import Columns, Level
from app.augmentation.primitives import Border, Interpolation

TOP_LEVEL = 30
Magnitude = Annotated[int, Field(ge=0, le=TOP_LEVEL)]


class AutoPolicy(Combinator):
    """A published policy."""

    fill: Border = Field("constant", description="What lies outside of moved pictures.")
    value: Level = Field(0.0, description="Level of a constant fill: black 0 to white 1.")
    interpolation: Interpolation = Field("linear", description="Between pixels. Masks always take the nearest.")

    @property
    def outside(self) -> Columns:
        """The fields of this class, for a trace."""
        return {"fill": self.fill, "value": self.value, "interpolation": self.interpolation}

    def apply(self, name: str, strengths: F64, signs: F64, chosen: Mask) -> tuple[Drawn, Mask]:
        """Apply an operation to some outputs; to none where its strength is nothing.

        Args:
            name: Of the kind.
            strengths: Not below 0, shape (n,).
            signs: Numbers in (0, 1), shape (n,).
            chosen: The outputs, shape (n,).
        """
        kind = KINDS[name]
        signed = np.where(signs < 0.5, -strengths, strengths) if kind.has_sign else strengths  # noqa: PLR2004 - a coin
        seen = chosen & (strengths > 0) if kind.has_strength else chosen
        return Drawn(kind.operation, lambda frames: kind.draw(signed, frames, self.outside)), seen
