"""What a wrong gamma costs, and whether steering it helps: constant against steered, from good and bad starts.

``run --data MNIST`` trains every cell that has no result yet, each for the same CPU time on one thread, and goes on
where it was stopped; ``table`` writes the section `Choosing gamma` of docs/benchmarks.md.
"""

import argparse
import itertools
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from machine import look_at_machine
from page import PAGE, write_section
from pydantic import BaseModel, ConfigDict
from training import ENVIRONMENT, ROOT
from training_results import RESULTS

from app.data.sources import open_dataset
from app.evaluation.frechet_distance import frechet_distance
from app.evaluation.judge import Judge, default_cache, open_judge
from app.evaluation.modes import count_modes
from app.evaluation.sampling import draw_samples
from app.generators.base import Generator
from app.generators.checkpoint import load_generator
from app.repository.store import ModelRepository

FILE = RESULTS / "gamma.json"
SEEDS = (0, 1, 2)
STARTS = (0.01, 2.0, 100.0)
DataName: TypeAlias = Literal["mnist", "stacked"]
RECIPES: dict[DataName, str] = {"mnist": "mnist_quick", "stacked": "stacked_mnist"}
FID_SAMPLES, MODE_SAMPLES = 10_000, 25_600


class Cell(BaseModel):
    """One run: where gamma starts, and whether it is steered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: DataName
    start: float
    is_steered: bool
    seed: int
    cpu_s: int
    figures: dict[str, float] = {}

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from others."""
        return (self.data, self.start, self.is_steered, self.seed, self.cpu_s)

    @property
    def options(self) -> list[str]:
        """What is set on the command line."""
        gammas = [f"r1_gamma={self.start}", f"r2_gamma={self.start}"]
        steering = [f"gamma_control={'true' if self.is_steered else 'false'}"]
        return [*gammas, *steering, f"seed={self.seed}", "threads=1", "clock=cpu"]


class Study(BaseModel):
    """All cells that were run, and on what."""

    model_config = ConfigDict(extra="forbid")

    machine: str
    cells: list[Cell]


class Judges(NamedTuple):
    """The judge of grey digits, and what it sees in the real ones of the test split."""

    judge: Judge
    real: np.ndarray


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    run = verbs.add_parser("run", help="train what is missing")
    run.add_argument("--data", required=True, help="MNIST")
    run.add_argument("--cpu-s", type=int, default=90, help="CPU time of each run")
    run.set_defaults(verb=_run)
    verbs.add_parser("table", help="write the section of the page").set_defaults(verb=lambda _: _write())
    arguments = parser.parse_args()
    arguments.verb(arguments)


def _run(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    study = _read() or Study(machine=look_at_machine().describe(), cells=[])
    known = {cell.key for cell in study.cells}
    train, test = open_dataset(arguments.data), open_dataset(arguments.data, split="test")
    judge = open_judge(train, test, cache=default_cache())
    judges = Judges(judge, judge.features(test.images))
    for cell in _plan(arguments.cpu_s):
        if cell.key not in known:
            with tempfile.TemporaryDirectory() as folder:
                figures = _measure(cell, _train(cell, arguments.data, Path(folder)), judges)
            study.cells.append(cell.model_copy(update={"figures": figures}))
            FILE.write_text(study.model_dump_json(indent=1) + "\n", "utf-8")
            print(cell.data, cell.start, "steered" if cell.is_steered else "constant", cell.seed, figures, flush=True)
    _write()


def _plan(cpu_s: int) -> Iterator[Cell]:
    """Yield the cells, all starts of a seed before the next seed: a study that is stopped is still balanced."""
    for seed, data, start, is_steered in itertools.product(SEEDS, RECIPES, STARTS, (False, True)):
        yield Cell(data=data, start=start, is_steered=is_steered, seed=seed, cpu_s=cpu_s)


def _train(cell: Cell, data: str, folder: Path) -> Generator:
    command = [sys.executable, "-m", "app", "train", RECIPES[cell.data], "--data", str(Path(data).resolve())]
    command += ["--name", "gamma", "--runs", str(folder / "runs"), "--repository", str(folder / "models")]
    command += ["--time-budget", f"{cell.cpu_s}s", "--publish", "--evaluate", "none"]
    command += [part for option in cell.options for part in ("--set", option)]
    environment = os.environ | ENVIRONMENT  # noqa: TID251 - passed on, not read
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    store = ModelRepository(str(folder / "models"))
    manifest = store.read_manifest("gamma", 1)
    return load_generator(manifest, store.read_weights(manifest))


def _measure(cell: Cell, generator: Generator, judges: Judges) -> dict[str, float]:
    if cell.data == "mnist":
        images = draw_samples(generator, FID_SAMPLES, seed=0).images
        return {"fid": round(frechet_distance(judges.real, judges.judge.features(images)), 2)}
    images = draw_samples(generator, MODE_SAMPLES, seed=0).images
    numbers = np.zeros(len(images), dtype=np.int64)
    for channel in range(images.shape[3]):
        seen = judges.judge.predict(np.ascontiguousarray(images[..., channel : channel + 1]))
        numbers = 10 * numbers + seen
    found = count_modes(numbers, 1000)
    return {"modes": float(found.covered), "reverse_kl": round(found.reverse_kl, 3)}


def render(study: Study) -> str:
    """Write the section from a study."""
    budgets = sorted({cell.cpu_s for cell in study.cells})
    about = (
        f"R1 and R2 of the relativistic loss, after {' or '.join(map(str, budgets))} s of one core, {study.machine}:"
        " medians, with the range over the seeds. `python benchmarks/gamma.py run --data MNIST`."
    )
    lines = ["| gamma at the start | | MNIST: FID | StackedMNIST: modes | reverse KL | seeds |"]
    lines += ["| ---: | --- | ---: | ---: | ---: | ---: |"]
    for start, is_steered in itertools.product(STARTS, (False, True)):
        chosen = [cell for cell in study.cells if (cell.start, cell.is_steered) == (start, is_steered)]
        shown = [_summarise(chosen, figure) for figure in ("fid", "modes", "reverse_kl")]
        seeds = len({cell.seed for cell in chosen})
        lines.append(f"| {start:g} | {'steered' if is_steered else 'constant'} | {' | '.join(shown)} | {seeds} |")
    return "\n".join([about, "", *lines])


def _summarise(cells: list[Cell], figure: str) -> str:
    values = [cell.figures[figure] for cell in cells if figure in cell.figures]
    if not values:
        return "-"
    places = 0 if figure == "modes" else max(0, 2 - int(math.log10(max(1.0, *values))))
    low, middle, high = (f"{value:,.{places}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low} to {high})"


def _read() -> Study | None:
    return Study.model_validate_json(FILE.read_bytes()) if FILE.exists() else None


def _write() -> None:
    study = _read()
    if study is None:
        sys.exit(f"{FILE} is missing: run first")
    section = render(study)
    write_section(PAGE, "gamma", section)
    print(section)


if __name__ == "__main__":
    main()
