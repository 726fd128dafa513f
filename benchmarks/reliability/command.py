"""Break things while the service works, and say of each figure whether its bar is met.

``python benchmarks/reliability worker-kills`` makes one kind of fault; ``chaos`` makes all of them in turn, as often as
the bars ask for, or ``--count`` times each. Everything is started on free ports of loopback, on copies of the shipped
models, and ended. ``--write`` keeps each report in benchmarks/results.
"""

import argparse
import dataclasses
import datetime as dt
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from machine import look_at_machine

from reliability.api_kills import kill_services
from reliability.clock import move_clock
from reliability.connections import hold_connections
from reliability.disk import break_disks
from reliability.drains import drain_service
from reliability.flips import flip_bits
from reliability.overload import overload_service
from reliability.publish_kills import kill_publishers
from reliability.report import Findings, Report, render, write_report
from reliability.setting import ROOT, Setting, copy_models
from reliability.soak import PLOT, draw, soak
from reliability.swaps import swap_versions
from reliability.worker_kills import crash_workers, hang_workers, kill_workers


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One kind of fault.

    Attributes:
        run: Makes it.
        count: How often, where nobody says.
        clients: Who ask meanwhile.
        seconds: Of each load, where it is not as long as the faults.
        in_chaos: Whether ``chaos`` makes it, too.
    """

    run: Callable[[Setting], Findings]
    count: int
    clients: int = 32
    seconds: float = 10.0
    in_chaos: bool = True


MEASUREMENTS = {
    "worker-kills": Measurement(kill_workers, 300),
    "hangs": Measurement(hang_workers, 6),
    "aborts": Measurement(crash_workers, 12),
    "drains": Measurement(drain_service, 60),
    "publish-kills": Measurement(kill_publishers, 500),
    "swaps": Measurement(swap_versions, 200, clients=16),
    "flips": Measurement(flip_bits, 10_000),
    "connections": Measurement(hold_connections, 1205, clients=16),
    "api-kills": Measurement(kill_services, 10),
    "disk": Measurement(break_disks, 5, clients=8),
    "clock": Measurement(move_clock, 12, clients=8),
    "soak": Measurement(soak, 1, clients=6, seconds=1800, in_chaos=False),
    "overload": Measurement(overload_service, 1, seconds=8.0, in_chaos=False),
}


def main() -> None:
    """Do what the command line asks for; exits with 1 where a bar is missed."""
    arguments = _create_parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that services are ended, too
    names = _choose(arguments)
    reports = [_measure(name, arguments) for name in names]
    if len(reports) > 1:
        print("\n".join(_summarise(report) for report in reports))
    sys.exit(0 if all(report.findings.is_met for report in reports) else 1)


def _create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["chaos", *MEASUREMENTS])
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), help="of `chaos`")
    parser.add_argument("--count", type=int, help="how often each fault is made")
    parser.add_argument("--kills", type=int, help="how often workers are killed")
    parser.add_argument("--clients", type=int, help="who ask meanwhile")
    parser.add_argument("--seconds", type=float, help="of each load that is not as long as its faults")
    parser.add_argument("--minutes", type=float, help="the same, in minutes")
    parser.add_argument("--hours", type=float, help="the same, in hours")
    parser.add_argument("--seed", type=int, default=1, help="of all chance")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the service")
    parser.add_argument("--write", action="store_true", help="keep the reports in benchmarks/results")
    return parser


def _choose(arguments: argparse.Namespace) -> Sequence[str]:
    if arguments.what != "chaos":
        return [arguments.what]
    return arguments.only or [name for name, one in MEASUREMENTS.items() if one.in_chaos]


def _measure(name: str, arguments: argparse.Namespace) -> Report:
    measurement = MEASUREMENTS[name]
    count = arguments.kills if name == "worker-kills" and arguments.kills else arguments.count
    with tempfile.TemporaryDirectory(prefix="fount-") as folder:
        setting = Setting(
            folder=Path(folder),
            repository=copy_models(Path(folder) / "models"),
            count=count or measurement.count,
            clients=arguments.clients or measurement.clients,
            seconds=_choose_seconds(arguments) or measurement.seconds,
            seed=arguments.seed,
            settings=dict(pair.split("=", 1) for pair in arguments.set),
        )
        began = time.perf_counter()
        findings = measurement.run(setting)
    report = Report(
        name=name,
        command=_describe_command(name, setting),
        date=dt.datetime.now(dt.UTC).replace(microsecond=0),
        commit=_read_commit(),
        machine=look_at_machine(),
        seconds=round(time.perf_counter() - began, 1),
        findings=findings,
    )
    print(render(report), flush=True)
    if arguments.write:
        print(f"  kept in {write_report(report).relative_to(ROOT)}", flush=True)
        if name == "soak":
            PLOT.write_text(draw(findings), "utf-8")
    return report


def _choose_seconds(arguments: argparse.Namespace) -> float | None:
    seconds: float | None = arguments.seconds
    for given, unit in ((arguments.minutes, 60), (arguments.hours, 3600)):
        seconds = given * unit if given else seconds
    return seconds


def _describe_command(name: str, setting: Setting) -> str:
    words = [f"python benchmarks/reliability {name} --count {setting.count} --clients {setting.clients}"]
    words += [f"--seconds {setting.seconds:g} --seed {setting.seed}"]
    words += [f"--set {pair}={value}" for pair, value in setting.settings.items()]
    return " ".join(words)


def _summarise(report: Report) -> str:
    if not report.findings.bars:
        return f"{report.name}: left out, {report.findings.figures.get('left out', 'nothing was measured')}"
    missed = [bar.name for bar in report.findings.bars if not bar.is_met]
    verdict = f"MISSED: {', '.join(missed)}" if missed else f"all {len(report.findings.bars)} bars met"
    return f"{report.name}: {verdict}"


def _read_commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"],  # noqa: S607 - whichever is first
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return done.stdout.strip() or "unknown"
