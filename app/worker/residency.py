"""Which versions stay on the device: bounded in bytes, the least recently used goes first."""

from collections import OrderedDict
from dataclasses import dataclass

from app.core.errors import OutOfDeviceMemoryError
from app.generators.base import Generator
from app.schemas.jobs import ModelRef


@dataclass(frozen=True, slots=True)
class Resident:
    """A generator on the device."""

    generator: Generator
    num_bytes: int


class Residency:
    """The generators on the device.

    Args:
        limit_bytes: Weights that may be resident together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._residents: OrderedDict[ModelRef, Resident] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        """Weights that are resident."""
        return sum(resident.num_bytes for resident in self._residents.values())

    def find(self, model: ModelRef) -> Generator | None:
        """Return a resident generator and note that it was used."""
        resident = self._residents.get(model)
        if resident is None:
            return None
        self._residents.move_to_end(model)
        return resident.generator

    def make_room(self, num_bytes: int) -> None:
        """Let the least recently used go until so many bytes fit.

        Raises:
            OutOfDeviceMemoryError: If they can never fit.
        """
        if num_bytes > self._limit_bytes:
            raise OutOfDeviceMemoryError(
                f"the weights need {num_bytes} bytes; worker.residency_bytes allows {self._limit_bytes}",
                limit=self._limit_bytes,
            )
        while self.num_bytes + num_bytes > self._limit_bytes:
            self._residents.popitem(last=False)

    def keep(self, model: ModelRef, generator: Generator, num_bytes: int) -> None:
        """Make a generator resident; ``make_room`` comes before."""
        self._residents[model] = Resident(generator, num_bytes)

    def drop(self, model: ModelRef) -> None:
        """Let a generator go, where it is resident."""
        self._residents.pop(model, None)
