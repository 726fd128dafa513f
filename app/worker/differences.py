"""How far pixels are from what they should be, and how far they may be."""

from typing import NamedTuple

from app.generators.pixels import Pixels
from app.schemas.jobs import BFLOAT16_LARGEST, BFLOAT16_MEAN, PixelDifferences

_TOLD_APART = 3  # differences of 0, 1 and 2 grey levels; larger ones are counted together


class Bound(NamedTuple):
    """How far pixels may be from what they should be, in grey levels: any one, and on average."""

    largest: int
    mean: float

    def explain(self, found: PixelDifferences) -> str | None:
        """Say what is beyond the bound; None if nothing is."""
        if found.largest > self.largest:
            return f"a value differs by {found.largest} grey levels; {self.largest} are allowed"
        if found.mean > self.mean:
            return f"values differ by {found.mean:.2f} grey levels on average; {self.mean} are allowed"
        return None


ROUNDING = Bound(1, 0.05)
"""For the same operations in another order: a value on the edge between two levels may fall to either side."""

LOW_PRECISION = Bound(BFLOAT16_LARGEST, BFLOAT16_MEAN)
"""For products in bfloat16: steep edges of trained generators moved by 14 levels at most when measured."""


def compare_pixels(expected: Pixels, actual: Pixels) -> PixelDifferences:
    """Count by how much values differ."""
    levels = (expected.int() - actual.int()).abs()
    equal, one, two = (int((levels == level).sum()) for level in range(_TOLD_APART))
    return PixelDifferences(
        counts=(equal, one, two, levels.numel() - equal - one - two),
        largest=int(levels.max()),
        mean=float(levels.double().mean()),
    )
