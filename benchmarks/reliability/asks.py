"""What is asked of the service: a table of requests, each with the SHA-256 of its only right answer."""

import dataclasses
import itertools
import json
import random
from collections.abc import Iterable, Sequence

from reliability.caller import Answer, Caller

_JSON = (("Content-Type", "application/json"),)
_FORMATS = ("npy", "npz", "zip")
_SIZES = (1, 2, 3, 7, 16, 17, 33, 64)
SEED_LIMIT = 2**40


@dataclasses.dataclass(frozen=True)
class Ask:
    """One request.

    Attributes:
        name: Of its kind.
        sha256: Of the right answer; empty where any will do.
        statuses: That are right.
    """

    name: str
    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    sha256: str = ""
    statuses: tuple[int, ...] = (200,)


def ask_samples(model: str, num_samples: int, seed: int | None, sample_format: str = "npy") -> Ask:
    """Ask for samples in one answer."""
    body = {"model": model, "num_samples": num_samples, "format": sample_format}
    seeded = body if seed is None else body | {"seed": seed}
    return Ask(f"n={num_samples} {sample_format}", "POST", "/v1/samples", json.dumps(seeded).encode(), _JSON)


def ask_address(model: str, version: int, seed: int, index: int) -> Ask:
    """Ask for one sample at its address."""
    return Ask("address", "GET", f"/v1/models/{model}/versions/{version}/samples/{seed}/{index}.png")


def mix_samples(model: str, version: int, count: int, seed: int) -> list[Ask]:
    """Make different requests for samples of one version: three in four in one answer, the others at addresses."""
    chance = random.Random(seed)
    asks = []
    for number in range(count):
        drawn = chance.randrange(SEED_LIMIT)
        if number % 4 == 3:  # noqa: PLR2004 - one in four
            asks.append(ask_address(model, version, drawn, chance.randrange(1000)))
        else:
            sample_format = _FORMATS[number % len(_FORMATS)]
            asks.append(ask_samples(f"{model}@{version}", chance.choice(_SIZES), drawn, sample_format))
    return asks


def answer_calmly(port: int, asks: Iterable[Ask]) -> list[Ask]:
    """Ask for each twice while nobody else asks, and note the bytes.

    Raises:
        RuntimeError: If an answer is not right, or not the same twice.
    """
    noted = []
    with Caller(port) as caller:
        for ask in asks:
            first, second = (_expect(caller, ask) for _ in range(2))
            if first.sha256 != second.sha256:
                raise RuntimeError(f"{ask.name}: two calm answers differ")
            noted.append(dataclasses.replace(ask, sha256=first.sha256))
    return noted


def take_turns(asks: Sequence[Ask], number: int) -> Iterable[Ask]:
    """Give the requests of one client: all, again and again, in an order of its own."""
    chance = random.Random(number)
    shuffled = list(asks)
    chance.shuffle(shuffled)
    return itertools.cycle(shuffled)


def _expect(caller: Caller, ask: Ask) -> Answer:
    answer = caller.ask(ask)
    if answer.status not in ask.statuses:
        raise RuntimeError(f"{ask.name}: status {answer.status}, {answer.failure or answer.problem}")
    return answer
