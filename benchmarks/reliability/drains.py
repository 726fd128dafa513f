"""The service is told to end under load, again and again: what it accepted it answers, and then it is gone."""

import dataclasses
import itertools
import random
import signal
import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from serving.load import quantile

from reliability.asks import Ask, answer_calmly, ask_samples, mix_samples, take_turns
from reliability.caller import Caller
from reliability.crowd import Crowd, Tally
from reliability.liveness import Liveness
from reliability.report import Findings, at_least, at_most
from reliability.service import Service, run_service
from reliability.setting import Setting

END_S = 30.0
READINESS_S = 0.25
LAME_DUCK_S = 1.0
LONG = 3000
_NUM_ASKS = 48
_MAX_PAUSE_S = 1.0
_LAME_DUCK = {"FOUNT_HTTP__LAME_DUCK_S": str(LAME_DUCK_S)}
_READY = Ask("readiness", "GET", "/readyz", statuses=(HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE))


@dataclasses.dataclass(frozen=True)
class Drain:
    """One end.

    Attributes:
        exit_status: Of the process.
        end_s: From the signal to its exit.
        unready_s: From the signal to the first answer that says it is not ready.
        late: Requests on new connections that were answered after the signal.
    """

    exit_status: int
    end_s: float
    unready_s: float
    late: int


def drain_service(setting: Setting) -> Findings:
    """Start the service, put it under load, and end it with SIGTERM at a random moment, so many times."""
    tally, liveness, chance = Tally(), Liveness(), random.Random(setting.seed)
    settings = {**_LAME_DUCK, **setting.settings}
    drains: list[Drain] = []
    asks: list[Ask] = []
    while len(drains) < setting.count:
        with run_service(setting.repository, setting.folder, settings) as service:
            asks = asks or answer_calmly(service.port, _list_asks(setting))
            streams = _share_out(asks, setting.clients)
            with (
                liveness.watch(service.port),
                Crowd(service.port, streams, tally, until_shut=True).asking() as crowd,
            ):
                time.sleep(chance.uniform(0, _MAX_PAUSE_S))
                drains.append(_drain(service, tally, asks[0]))
                crowd.join(END_S)
    return Findings(bars=_set_bars(drains, tally, liveness, setting), figures=_describe(drains, tally, liveness))


def _list_asks(setting: Setting) -> list[Ask]:
    asks = mix_samples(setting.model, 1, _NUM_ASKS, setting.seed)
    return [*asks, ask_samples(f"{setting.model}@1", LONG, setting.seed)]


def _share_out(asks: Sequence[Ask], clients: int) -> Iterable[Iterable[Ask]]:
    """One client in eight asks for the long answer, the others for short ones."""
    for number in range(clients):
        yield itertools.repeat(asks[-1]) if number % 8 == 0 else take_turns(asks[:-1], number)


def _drain(service: Service, tally: Tally, ask: Ask) -> Drain:
    """End the service; meanwhile ask for its readiness on one connection, and for samples on new ones."""
    began = time.perf_counter()
    service.process.send_signal(signal.SIGTERM)
    unready_s, late, is_shut = 0.0, 0, False
    with Caller(service.port) as prober:
        while not is_shut and time.perf_counter() - began < END_S:
            if not unready_s and prober.ask(_READY).status == HTTPStatus.SERVICE_UNAVAILABLE:
                unready_s = time.perf_counter() - began
            with Caller(service.port) as newcomer:
                kind = tally.add(ask, newcomer.ask(ask))
            late += kind == "right"
            is_shut = kind == "shut"
    exit_status = service.process.wait(2 * END_S)
    return Drain(exit_status, time.perf_counter() - began, unready_s, late)


def _set_bars(drains: Sequence[Drain], tally: Tally, liveness: Liveness, setting: Setting) -> list[Any]:
    unready = [one.unready_s or END_S for one in drains]
    return [
        at_least("drains", len(drains), setting.count),
        *tally.bars(),
        at_most("exit status other than 0", sum(one.exit_status != 0 for one in drains), 0),
        at_most("from SIGTERM to the exit, worst", max(one.end_s for one in drains), END_S, "s"),
        at_most("from SIGTERM to 503 of /readyz, worst", max(unready), READINESS_S, "s"),
        at_least("drains in which new connections were served", sum(one.late > 0 for one in drains), len(drains)),
        *liveness.bars()[:1],  # the last question may meet a listener that closes
    ]


def _describe(drains: Sequence[Drain], tally: Tally, liveness: Liveness) -> dict[str, Any]:
    ends = [one.end_s for one in drains]
    return {
        "end_s": {"p50": quantile(ends, 0.5), "p99": quantile(ends, 0.99), "worst": max(ends)},
        "late_answers": sum(one.late for one in drains),
        **tally.figures(),
        **liveness.figures(),
    }
