"""The API process is killed under load: its children end with it, and the next one answers the same bytes."""

import os
import random
import time
from pathlib import Path

from serving.load import quantile

from reliability.asks import Ask, answer_calmly, mix_samples, take_turns
from reliability.caller import Caller
from reliability.crowd import Crowd, Tally
from reliability.liveness import Liveness
from reliability.report import Findings, at_least, at_most
from reliability.service import Service, run_service
from reliability.setting import Setting

ORPHAN_S = 1.0
_NUM_ASKS = 48
_MAX_PAUSE_S = 0.5
_PATIENCE_S = 10.0


def kill_services(setting: Setting) -> Findings:
    """Start, compare, put under load and kill, so many times."""
    chance, liveness = random.Random(setting.seed), Liveness()
    under_load, after_start = Tally(), Tally()
    asks: list[Ask] = []
    orphans_s: list[float] = []
    while len(orphans_s) < setting.count:
        with run_service(setting.repository, setting.folder, setting.settings) as service:
            asks = asks or answer_calmly(service.port, mix_samples(setting.model, 1, _NUM_ASKS, setting.seed))
            _compare(service.port, asks, after_start)
            streams = [take_turns(asks, number) for number in range(setting.clients)]
            crowd = Crowd(service.port, streams, under_load, until_shut=True)
            with crowd.asking():
                with liveness.watch(service.port):
                    time.sleep(chance.uniform(0, _MAX_PAUSE_S))
                orphans_s.append(_kill(service))
    return Findings(
        bars=[
            at_least("kills of the API", len(orphans_s), setting.count),
            at_most("until its last child was gone, worst", max(orphans_s), ORPHAN_S, "s"),
            at_most("answers of other bytes after a restart", after_start.kinds["wrong"], 0),
            at_most("answers that failed after a restart", after_start.kinds["lost"], 0),
            at_most("answers of other bytes under load", under_load.kinds["wrong"], 0),
            *liveness.bars(),
        ],
        figures={
            "until_the_last_child_was_gone_s": {"p50": quantile(orphans_s, 0.5), "worst": max(orphans_s)},
            "answers_after_a_restart": dict(after_start.kinds),
            "answers_under_load": dict(under_load.kinds),  # those that a kill cuts are lost
            **liveness.figures(),
        },
    )


def _compare(port: int, asks: list[Ask], tally: Tally) -> None:
    with Caller(port) as caller:
        for ask in asks:
            tally.add(ask, caller.ask(ask))


def _kill(service: Service) -> float:
    """Kill the API process alone; returns how long its children outlived it, in seconds."""
    children = service.descendants()
    began = time.perf_counter()
    service.process.kill()
    service.process.wait()
    while any(_is_alive(pid) for pid in children) and time.perf_counter() - began < _PATIENCE_S:
        time.sleep(0.005)
    return time.perf_counter() - began


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.getpid() != pid
