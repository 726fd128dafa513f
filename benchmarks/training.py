"""Quality after so many core-minutes: trains the rows of ``training_rows.toml`` by ``fount train``, and tabulates them.

``run ROW --data MNIST`` trains, evaluates and records; when it is stopped, the same command goes on. ``evaluate ROW
--data MNIST`` measures again what was trained, by the protocol of this build. ``table`` writes the section `Training`
of docs/benchmarks.md. ``list`` names the rows.
"""

import argparse
import datetime as dt
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors
from machine import look_at_machine
from page import PAGE, write_picture, write_section
from training_results import RESULTS, Effort, Result, read_peers, read_result, read_results, result_path, write_result
from training_rows import ROWS_FILE, Row, load_rows
from training_table import Entry, render_section

from app.repository.evaluation import read_evaluation
from app.repository.manifest import GRID_FILE, Manifest
from app.repository.store import ModelRepository
from app.training.runs.snapshot import list_snapshots

ROOT = Path(__file__).resolve().parents[1]
OUT = Path("runs") / "bench"
IMAGES = PAGE.parent / "images" / "training"

# As for the peers: one thread each, and freed memory stays in the process instead of costing page faults.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, default=ROWS_FILE, help="TOML file of rows")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    parser.add_argument("--images", type=Path, default=IMAGES, help="folder of grids")
    verbs = parser.add_subparsers(required=True)
    run = verbs.add_parser("run", help="train, evaluate and record rows")
    run.add_argument("--fresh", action="store_true", help="train anew, even if there is a result")
    run.set_defaults(verb=_run)
    again = verbs.add_parser("evaluate", help="measure and record trained rows again")
    again.set_defaults(verb=_evaluate)
    for verb in (run, again):
        verb.add_argument("ids", metavar="ROW", nargs="+")
        verb.add_argument("--data", required=True, help="the images, with a test split")
        verb.add_argument("--seed", type=int, help="only this one; by default every seed of the row")
        verb.add_argument("--out", type=Path, default=OUT, help="folder of runs and models")
    verbs.add_parser("table", help="write the section of the page").set_defaults(verb=_write_table)
    verbs.add_parser("list", help="name the rows").set_defaults(verb=_list)
    arguments = parser.parse_args()
    arguments.verb(arguments, load_rows(arguments.rows))


def _run(arguments: argparse.Namespace, rows: dict[str, Row]) -> None:
    for row, seed in _choose(arguments, rows):
        path = result_path(arguments.results, row.name_run(seed))
        known = None if arguments.fresh else read_result(path)
        if known is not None and known.command == _publish_command(row, seed):
            print(f"{row.name_run(seed)}: finished, see {path}")
        else:
            _record(arguments, row, seed, _train(arguments, row, seed))


def _evaluate(arguments: argparse.Namespace, rows: dict[str, Row]) -> None:
    for row, seed in _choose(arguments, rows):
        command = _train_command(arguments, row, seed)
        answer = _read_answer(arguments, row, seed, command)
        if answer is None:
            sys.exit(f"{row.name_run(seed)} was not trained in {arguments.out}")
        model = f"{answer['model']}@{answer['version']}"
        places = ["--data", _find_data(arguments), "--repository", str(arguments.out.resolve() / "models")]
        found = json.loads(_call(["-m", "app", "evaluate", model, *places, "--record", "--threads", "1", "--json"]))
        answer["version"] = found["recorded"]
        _keep_answer(arguments, row, seed, command, answer)
        _record(arguments, row, seed, answer)


def _choose(arguments: argparse.Namespace, rows: dict[str, Row]) -> Iterator[tuple[Row, int]]:
    unknown = [name for name in arguments.ids if name not in rows]
    if unknown:
        sys.exit(f"no row {', '.join(unknown)}; there are {', '.join(rows)}")
    for row in (rows[name] for name in arguments.ids):
        for seed in row.seeds if arguments.seed is None else [arguments.seed]:
            yield row, seed


def _record(arguments: argparse.Namespace, row: Row, seed: int, answer: dict[str, Any]) -> None:
    store = ModelRepository(str(arguments.out.resolve() / "models"))
    manifest = store.read_manifest(answer["model"], answer["version"])
    result = _collect(row, seed, manifest, Path(answer["run"]))
    write_result(result_path(arguments.results, row.name_run(seed)), result)
    if seed == row.seeds[0]:
        write_picture(arguments.images / f"{row.id}.png", store.read_file(manifest.name, manifest.version, GRID_FILE))
    print(f"{row.name_run(seed)}: {json.dumps({name: round(value, 4) for name, value in result.figures.items()})}")


def _publish_command(row: Row, seed: int) -> str:
    """Write the command without the places of this machine."""
    return shlex.join(["python", *row.build_command(seed, data="DATA", out="OUT")])


def _train(arguments: argparse.Namespace, row: Row, seed: int) -> dict[str, Any]:
    """Run the command, or return what it answered when it was run before and only recording failed."""
    command = _train_command(arguments, row, seed)
    answer = None if arguments.fresh else _read_answer(arguments, row, seed, command)
    if answer is None:
        answer = json.loads(_call([*command, "--fresh"] if arguments.fresh else command))
        _keep_answer(arguments, row, seed, command, answer)
    return answer


def _train_command(arguments: argparse.Namespace, row: Row, seed: int) -> list[str]:
    return row.build_command(seed, data=_find_data(arguments), out=str(arguments.out.resolve()))


def _find_data(arguments: argparse.Namespace) -> str:
    return str(Path(arguments.data).resolve()) if Path(arguments.data).exists() else arguments.data


def _read_answer(arguments: argparse.Namespace, row: Row, seed: int, command: list[str]) -> dict[str, Any] | None:
    """Return what the command answered when it was run before."""
    path = _answer_path(arguments, row, seed)
    document: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return document["answer"] if document.get("command") == command else None


def _keep_answer(
    arguments: argparse.Namespace, row: Row, seed: int, command: list[str], answer: dict[str, Any]
) -> None:
    path = _answer_path(arguments, row, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"command": command, "answer": answer}, indent=1) + "\n", "utf-8")


def _answer_path(arguments: argparse.Namespace, row: Row, seed: int) -> Path:
    out: Path = arguments.out
    return out / "answers" / f"{row.name_run(seed)}.json"


def _call(command: list[str]) -> str:
    """Run the program to its end and return its answer; a signal to stop is left to it, as it writes a snapshot."""
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(ROOT)}  # noqa: TID251 - passed on, not read
    python = [sys.executable, *command]
    with subprocess.Popen(python, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
        signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to both
        answer, _ = process.communicate()
    if process.returncode:
        sys.exit(process.returncode)
    return answer


def _collect(row: Row, seed: int, manifest: Manifest, run: Path) -> Result:
    evaluation = read_evaluation(manifest)
    if evaluation is None:
        raise ValueError(f"{manifest.name}@{manifest.version} was published without figures")
    info = manifest.training
    return Result(
        row=row.id,
        seed=seed,
        command=_publish_command(row, seed),
        environment=ENVIRONMENT,
        date=manifest.created.date(),
        git_commit=info.git_commit,
        machine=look_at_machine(),
        effort=Effort(
            core_minutes=row.core_minutes,
            steps=info.steps,
            images_seen=info.images_seen,
            cpu_s=round(_read_cpu_seconds(run), 1),
            wall_s=info.wall_seconds,
            threads=1,
            precision=info.precision,
        ),
        recipe=info.recipe,
        versions=info.versions,
        num_parameters=manifest.num_parameters,
        digest=manifest.digest,
        evaluation=evaluation,
    )


def _read_cpu_seconds(run: Path) -> float:
    """Return what the budget was spent on: training, its snapshots and looks, and fitting a prior."""
    with safetensors.safe_open(list_snapshots(run / "snapshots")[-1], framework="np") as file:
        progress = json.loads(file.metadata()["progress"])
    return float(progress["budget_seconds"])


def _write_table(arguments: argparse.Namespace, rows: dict[str, Row]) -> None:
    section = render_section(_gather(arguments, rows), read_peers(arguments.results), arguments.images)
    write_section(PAGE, "training", section)
    print(section)


def _list(arguments: argparse.Namespace, rows: dict[str, Row]) -> None:
    for row, results in _gather(arguments, rows):
        done = f"{len(results)}/{len(row.seeds)}"
        print(f"{row.id:20} {row.core_minutes:5g} core-min  {done} seeds  {row.title}: {row.about}")
    minutes = sum(row.core_minutes * len(row.seeds) for row in rows.values())
    print(f"{minutes:g} core-minutes in all, without evaluation; {dt.timedelta(minutes=minutes / 2)} on two cores")


def _gather(arguments: argparse.Namespace, rows: dict[str, Row]) -> list[Entry]:
    return [
        Entry(row, read_results(arguments.results, [row.name_run(seed) for seed in row.seeds])) for row in rows.values()
    ]


if __name__ == "__main__":
    main()
