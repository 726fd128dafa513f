"""What is asked of the servers: loads that all can answer, and loads for which only Fount has an answer."""

import dataclasses
from collections.abc import Callable, Sequence

from serving.load import Group
from serving.servers import Fount, Target

SMALL = "n=1"
STREAM = "n=4096"
MANY = 4096


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One load.

    Attributes:
        title: Of its row.
        groups: Makes the connections for a server.
    """

    title: str
    groups: Callable[[Target], list[Group]]


@dataclasses.dataclass(frozen=True)
class Ask:
    """How the connections of a scenario ask Fount, where there is more to say than how many samples."""

    samples: int
    clients: int
    sample_format: str = "npy"
    is_seeded: bool = False


COMMON = (
    Scenario("n=1, 32 clients", lambda target: [_group(target, SMALL, 1, 32)]),
    Scenario("n=16, 32 clients", lambda target: [_group(target, "n=16", 16, 32)]),
    Scenario("n=4096, 1 client", lambda target: [_group(target, STREAM, MANY, 1)]),
    Scenario(
        "n=4096, 1 client, beside n=1, 31 clients",
        lambda target: [_group(target, SMALL, 1, 31), _group(target, STREAM, MANY, 1)],
    ),
)
OWN = (
    ("n=1, 32 clients, seeded", Ask(1, 32, is_seeded=True)),
    ("n=256, 8 clients", Ask(256, 8)),
    ("n=256, 8 clients, zip of PNG", Ask(256, 8, sample_format="zip")),
)


def list_own(fount: Fount) -> list[Scenario]:
    """Make the loads for Fount alone."""
    return [_own(fount, title, ask) for title, ask in OWN]


def _own(fount: Fount, title: str, ask: Ask) -> Scenario:
    request = fount.ask(ask.samples, sample_format=ask.sample_format, is_seeded=ask.is_seeded)

    def make(target: Target) -> Sequence[Group]:
        least = ask.samples * target.bytes_per_sample if ask.sample_format == "npy" else 1
        return [Group(f"n={ask.samples}", request, ask.clients, ask.samples, least)]

    return Scenario(title, lambda target: list(make(target)))


def _group(target: Target, name: str, samples: int, clients: int) -> Group:
    return Group(name, target.ask(samples), clients, samples, samples * target.bytes_per_sample)
