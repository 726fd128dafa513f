"""Images per second of the relativistic ResNet at 28 x 28, by how the cores of a machine are put to work.

Each way trains ``mnist_quick`` for some seconds, turn and turn about, so that a busy neighbour disturbs all alike; the
medians and the ratio to one thread in the same round go to the section `Training speed` of docs/benchmarks.md.
"""

import argparse
import contextlib
import dataclasses
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import look_at_machine
from page import PAGE, write_section
from training import ENVIRONMENT, ROOT
from training_results import RESULTS

FILE = RESULTS / "training-speed.json"
RECIPE = "mnist_quick"


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to use the cores: threads of one process, lanes of one run, or runs side by side."""

    title: str
    threads: int = 1
    lanes: int = 1
    runs: int = 1

    @property
    def options(self) -> list[str]:
        """What is set for it on the command line."""
        return [f"threads={self.threads}", f"lanes={self.lanes}", "log_interval=20"]


def main() -> None:
    """Measure, keep the result, write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="MNIST")
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cores = os.cpu_count() or 1
    ways = [
        Way("one thread"),
        Way(f"{cores} threads", threads=cores),
        Way(f"{cores} lanes of one run", lanes=cores),
        Way(f"{cores} runs side by side", runs=cores),
    ]
    speeds: dict[str, list[float]] = {way.title: [] for way in ways}
    for number in range(arguments.rounds):
        for way in ways:
            speed = _measure(way, arguments.data, arguments.seconds)
            speeds[way.title].append(round(speed, 1))
            print(f"round {number + 1}, {way.title}: {speed:,.0f} images/s", file=sys.stderr)
    today, machine = dt.datetime.now(tz=dt.UTC).date().isoformat(), look_at_machine().describe()
    document = {"date": today, "machine": machine, "seconds": arguments.seconds, "images_per_s": speeds}
    FILE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    write_section(PAGE, "training-speed", render(document))


def render(document: dict[str, Any]) -> str:
    """Write the section from a result."""
    speeds: dict[str, list[float]] = document["images_per_s"]
    single = next(iter(speeds.values()))
    lines = ["| | images/s, median | range | ratio to one thread |", "| --- | ---: | --- | ---: |"]
    for title, values in speeds.items():
        ratio = statistics.median(value / one for value, one in zip(values, single, strict=True))
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        lines.append(f"| {title} | {statistics.median(values):,.0f} | {spread} | {ratio:.2f} |")
    about = (
        f"`{RECIPE}` (relativistic ResNet, 28 x 28, batches of 64) in {len(single)} rounds of {document['seconds']} s"
        f" each, on {document['machine']}, {document['date']}: `python benchmarks/training_speed.py --data MNIST`."
    )
    return "\n".join([about, "", *lines])


def _measure(way: Way, data: str, seconds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        runs = [Path(folder) / str(number) for number in range(way.runs)]
        with contextlib.ExitStack() as stack:
            for run in runs:
                stack.enter_context(_start(way, data, seconds, run))
        return sum(_read_speed(run) for run in runs)


@contextlib.contextmanager
def _start(way: Way, data: str, seconds: int, folder: Path) -> Iterator[None]:
    """Start a run, and wait for its end on the way out.

    Raises:
        RuntimeError: If it failed.
    """
    command = [sys.executable, "-m", "app", "train", RECIPE, "--data", str(Path(data).resolve()), "--evaluate", "none"]
    command += ["--name", "speed", "--runs", str(folder), "--time-budget", f"{seconds}s"]
    command += [part for option in way.options for part in ("--set", option)]
    environment = os.environ | ENVIRONMENT | {"OMP_NUM_THREADS": str(way.threads)}  # noqa: TID251 - passed on, not read
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        yield
        _, complaint = run.communicate()
    if run.returncode:
        raise RuntimeError(complaint.decode())


def _read_speed(folder: Path) -> float:
    """Return the median over the log's lines; the first one holds what happens once."""
    lines = (folder / "speed" / "001" / "log.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    speeds = [entry["images_per_second"] for entry in entries if "images_per_second" in entry]
    return float(statistics.median(speeds[1:]))


if __name__ == "__main__":
    main()
