"""Workers end under load, by ``kill -9``, a hang or a crash: nobody loses an answer, or gets another one."""

import signal
from collections.abc import Callable, Mapping, Sequence

from serving.load import quantile

from reliability.asks import answer_calmly, ask_samples, mix_samples, take_turns
from reliability.crowd import Crowd, Tally
from reliability.killing import PHASES, Killer, describe_recoveries
from reliability.liveness import Liveness
from reliability.report import Findings, at_least, at_most
from reliability.service import run_service
from reliability.setting import Setting
from reliability.usage import Watch

RECOVERY_S = 2.0
HANG_S = 2.0
LONG = 2500
_NUM_ASKS = 96
_NUM_LONG = 4
_HANGING: Mapping[str, str] = {"FOUNT_WORKER__HANG_TIMEOUT_S": str(HANG_S)}

Phase = str
ChoosePhase = Callable[[int], Phase]


def kill_workers(setting: Setting) -> Findings:
    """Kill workers while they are idle, load, compute and reply, in turns."""
    return _end_workers(setting, [signal.SIGKILL], PHASES, bound_s=RECOVERY_S)


def hang_workers(setting: Setting) -> Findings:
    """Stop workers, as one that hangs would: the watchdog ends them, two seconds after they last said something."""
    settings = {**_HANGING, **setting.settings}
    return _end_workers(setting, [signal.SIGSTOP], ("busy", "replying"), settings, bound_s=2 * HANG_S + RECOVERY_S)


def crash_workers(setting: Setting) -> Findings:
    """Let workers crash, as faults of native code would."""
    return _end_workers(setting, [signal.SIGSEGV, signal.SIGABRT], ("busy", "replying"), bound_s=RECOVERY_S)


def _end_workers(
    setting: Setting,
    signals: Sequence[signal.Signals],
    phases: Sequence[Phase],
    settings: Mapping[str, str] | None = None,
    *,
    bound_s: float,
) -> Findings:
    tally, liveness = Tally(), Liveness()
    reference = f"{setting.model}@1"
    with run_service(setting.repository, setting.folder, settings or setting.settings) as service:
        asks = answer_calmly(service.port, mix_samples(setting.model, 1, _NUM_ASKS, setting.seed))
        streams = answer_calmly(service.port, [ask_samples(reference, LONG, seed) for seed in range(_NUM_LONG)])
        crowd = Crowd(service.port, [take_turns(asks, number) for number in range(setting.clients)], tally)
        probes = [ask for ask in asks if ask.name.startswith(("n=1 ", "address"))]
        killers = [
            Killer(service, crowd, tally, probes=probes, streams=streams, how=how, seed=setting.seed) for how in signals
        ]
        watch = Watch(service)
        with watch.watching(), liveness.watch(service.port), crowd.asking():
            for number in range(setting.count):
                killers[number % len(killers)].strike(phases[number // len(killers) % len(phases)])
    recoveries = [one for killer in killers for one in killer.recoveries]
    p99 = quantile([one.answer_s for one in recoveries], 0.99)
    bars = [
        at_least("workers ended", len(recoveries), setting.count),
        *tally.bars(),
        at_most("recovery, p99", p99, bound_s, "s"),
        *liveness.bars(),
        *watch.bars(),
    ]
    figures = describe_recoveries(recoveries) | tally.figures() | liveness.figures() | watch.figures()
    return Findings(bars=bars, figures=figures)
