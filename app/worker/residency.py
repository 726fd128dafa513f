"""Which versions stay on the device: bounded in bytes, the least recently used goes first."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from app.core.errors import OutOfDeviceMemoryError
from app.repository.manifest import Part
from app.schemas.jobs import ModelRef


class PartRef(NamedTuple):
    """One network of a version."""

    model: ModelRef
    part: Part


@dataclass(frozen=True, slots=True)
class Resident:
    """A network on the device, with what its owner knows of it."""

    network: object
    num_bytes: int


class Residency:
    """The networks on the device.

    Args:
        limit_bytes: Weights that may be resident together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._residents: OrderedDict[PartRef, Resident] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        """Weights that are resident."""
        return sum(resident.num_bytes for resident in self._residents.values())

    def find(self, place: PartRef) -> object | None:
        """Return a resident network and note that it was used."""
        resident = self._residents.get(place)
        if resident is None:
            return None
        self._residents.move_to_end(place)
        return resident.network

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

    def keep(self, place: PartRef, network: object, num_bytes: int) -> None:
        """Make a network resident; ``make_room`` comes before."""
        self._residents[place] = Resident(network, num_bytes)

    def drop(self, model: ModelRef) -> None:
        """Let all networks of a version go."""
        for place in [place for place in self._residents if place.model == model]:
            del self._residents[place]
