"""The clock of the machine jumps under load, days forward and back and past 2038: nobody notices."""

import itertools
import shutil
import time
from pathlib import Path

from reliability.asks import answer_calmly, mix_samples, take_turns
from reliability.crowd import Crowd, Tally
from reliability.liveness import Liveness
from reliability.report import Findings, at_least
from reliability.service import run_service
from reliability.setting import Setting
from reliability.usage import Watch

JUMPS = ("+1d", "-1d", "+0", "+20y", "-20y", "+0")
_STAY_S = 1.5
_NUM_ASKS = 48


def move_clock(setting: Setting) -> Findings:
    """Move the clock of the service's processes, with libfaketime; where that is not installed, tell so."""
    library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
    if library is None:
        return Findings(bars=[], figures={"left out": "libfaketime is not installed"})
    tally, liveness, moved = Tally(), Liveness(), 0
    clock = setting.folder / "clock"
    clock.write_text("+0\n", "ascii")
    settings = dict(setting.settings) | {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # in seconds; to look at each call would cost more than what is measured
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # it does not jump on a real machine either
    }
    with run_service(setting.repository, setting.folder, settings) as service:
        asks = answer_calmly(service.port, mix_samples(setting.model, 1, _NUM_ASKS, setting.seed))
        crowd = Crowd(service.port, [take_turns(asks, number) for number in range(setting.clients)], tally)
        watch = Watch(service)
        with watch.watching(), liveness.watch(service.port), crowd.asking():
            for jump in itertools.islice(itertools.cycle(JUMPS), setting.count):
                _replace(clock, f"{jump}\n")
                time.sleep(_STAY_S)
                crowd.settle()
                moved += 1
    asked = liveness.bars()[1:]  # libfaketime itself makes all processes wait for each other, jumps or none
    bars = [at_least("jumps of the clock", moved, setting.count), *tally.bars(), *asked, *watch.bars()]
    return Findings(bars=bars, figures={**tally.figures(), **liveness.figures(), **watch.figures()})


def _replace(path: Path, text: str) -> None:
    """Write a file that others read all the time."""
    aside = path.with_suffix(".new")
    aside.write_text(text, "ascii")
    shutil.move(aside, path)
