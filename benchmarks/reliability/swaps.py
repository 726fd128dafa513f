"""An alias moves between two versions under load: no answer fails, and none is of another version than it says."""

import dataclasses
import itertools
import json
import random
import threading
import time
from collections.abc import Iterable, Mapping

from serving.load import quantile

from reliability.asks import Ask, answer_calmly, ask_samples, take_turns
from reliability.caller import Answer, Caller, Kind
from reliability.crowd import Crowd, Tally
from reliability.liveness import Liveness
from reliability.report import Findings, at_least, at_most
from reliability.service import run_service
from reliability.setting import Setting
from reliability.usage import Watch

SWAP_S = 2.0
VERSIONS = (1, 2)
_SEEDS = range(16)
_SIZES = (1, 5, 64, 300)
_FORMATS = ("npy", "npz")
_JSON = (("Content-Type", "application/json"),)


class SwapTally(Tally):
    """Judges answers by the version that they say to be of.

    Args:
        right: SHA-256 of the right answer, by version as ``Fount-Model`` has it, and request.
    """

    def __init__(self, right: Mapping[tuple[str, str], str]) -> None:
        super().__init__()
        self.by_version: dict[str, int] = {}
        self._right = right
        self._counting = threading.Lock()

    def add(self, ask: Ask, answer: Answer) -> Kind:
        """Judge one answer and count it."""
        if answer.model:
            with self._counting:
                self.by_version[answer.model] = self.by_version.get(answer.model, 0) + 1
            ask = dataclasses.replace(ask, sha256=self._right.get((answer.model, ask.name), "none"))
        return super().add(ask, answer)


def swap_versions(setting: Setting) -> Findings:
    """Move ``production`` from one version to the other and back, so many times."""
    liveness, chance = Liveness(), random.Random(setting.seed)
    moves = Tally()
    with run_service(setting.repository, setting.folder, setting.settings) as service:
        right = _learn(service.port, setting.model)
        with Caller(service.port) as first:
            first.ask(_move(setting.model, VERSIONS[0]))  # there may be no such alias yet
        tally = SwapTally(right)
        crowd = Crowd(service.port, _share_out(setting), tally)
        watch = Watch(service)
        with (
            watch.watching(),
            liveness.watch(service.port),
            crowd.asking(),
            Caller(service.port) as mover,
        ):
            for version in itertools.islice(itertools.cycle(reversed(VERSIONS)), setting.count):
                move = _move(setting.model, version)
                moves.add(move, mover.ask(move))
                time.sleep(chance.uniform(0, 0.1))
    shares = [tally.by_version.get(f"{setting.model}@{version}", 0) for version in VERSIONS]
    return Findings(
        bars=[
            at_least("swaps", moves.kinds["right"], setting.count),
            *tally.bars(),
            at_least("answers of the version that was asked less", min(shares), setting.count // 10),
            at_most("a swap, p99", quantile(moves.seconds, 0.99), SWAP_S, "s"),
            *liveness.bars(),
            *watch.bars(),
        ],
        figures={
            "answers_by_version": tally.by_version,
            "swap_ms": {"p50": 1000 * quantile(moves.seconds, 0.5), "p99": 1000 * quantile(moves.seconds, 0.99)},
            "swaps_that_failed": moves.failures,
            **tally.figures(),
            **liveness.figures(),
            **watch.figures(),
        },
    )


def _learn(port: int, model: str) -> dict[tuple[str, str], str]:
    """Ask each version for everything, calmly; returns the right bytes."""
    right = {}
    for version in VERSIONS:
        reference = f"{model}@{version}"
        for ask in answer_calmly(port, _make_asks(reference)):
            right[reference, ask.name] = ask.sha256
    return right


def _make_asks(reference: str) -> list[Ask]:
    asks = []
    for seed in _SEEDS:
        size, sample_format = _SIZES[seed % len(_SIZES)], _FORMATS[seed // len(_SIZES) % len(_FORMATS)]
        ask = ask_samples(reference, size, seed, sample_format)
        asks.append(dataclasses.replace(ask, name=f"{ask.name} {seed}"))
    return asks


def _share_out(setting: Setting) -> Iterable[Iterable[Ask]]:
    """Half of the clients ask by alias, half by the bare name."""
    for number in range(setting.clients):
        asks = _make_asks(setting.model if number % 2 else f"{setting.model}@production")
        yield take_turns(asks, number)


def _move(model: str, version: int) -> Ask:
    body = json.dumps({"version": version}).encode()
    return Ask(f"to {version}", "PUT", f"/v1/models/{model}/aliases/production", body, _JSON, statuses=(200, 201))
