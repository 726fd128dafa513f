"""``fount compare``: the figures of two versions side by side, and in words which is better where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from app.cli.console import console, fail, plain, print_json
from app.cli.references import complete_models, find_version, open_repository

if TYPE_CHECKING:
    from app.repository.evaluation import Comparison, EvaluationRecord
    from app.repository.store import ModelRepository

EPILOG = """Examples:

`fount compare mnist-gan@2 mnist-gan@production`

`fount compare mnist-gan mnist-vae --json`

Reads what `fount evaluate --record` wrote. A difference counts where the intervals of both do not touch."""

First = Annotated[
    str, typer.Argument(metavar="A", help="`name`, `name@3` or `name@candidate`.", autocompletion=complete_models)
]
Second = Annotated[str, typer.Argument(metavar="B", help="What it is held against.", autocompletion=complete_models)]
Repository = Annotated[
    str | None,
    typer.Option("--repository", metavar="URL", help="Folder or fsspec URL; by default the one that is served."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class _Evaluated(NamedTuple):
    """A version and its figures."""

    reference: str
    record: EvaluationRecord


def compare(first: First, second: Second, repository: Repository = None, as_json: AsJson = False) -> None:
    """Print the figures of two versions side by side, and say which is better where."""
    from app.repository.evaluation import compare_records, find_obstacle

    store = open_repository(repository)
    one, other = _read(store, first, "A"), _read(store, second, "B")
    rows = compare_records(one.record, other.record)
    obstacle = find_obstacle(one.record, other.record)
    if as_json:
        print_json(_report(one, other, rows, obstacle))
        return
    _print_table(one, other, rows)
    if obstacle:
        console.print(plain(f"These figures cannot be held against each other: {obstacle}."), soft_wrap=True)
    else:
        for sentence in _verdicts(one, other, rows):
            console.print(plain(sentence), soft_wrap=True)


def _read(store: ModelRepository, reference: str, argument: str) -> _Evaluated:
    from app.repository.evaluation import read_evaluation

    name, version = find_version(store, reference, argument)
    record = read_evaluation(store.read_manifest(name, version))
    if record is None:
        fail(
            f"nobody has measured {name}@{version}", f"fount evaluate {name}@{version} --data SOURCE --record does that"
        )
    return _Evaluated(f"{name}@{version}", record)


def _print_table(one: _Evaluated, other: _Evaluated, rows: list[Comparison]) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from app.repository.evaluation import describe_metric, format_figure, sort_metrics

    compared = {row.name: row for row in rows}
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("figure", "better", one.reference, other.reference, "real images", ""):
        table.add_column(plain(heading), overflow="fold")
    for name, metric in sort_metrics({**other.record.metrics, **one.record.metrics}).items():
        pair = (one.record.metrics.get(name), other.record.metrics.get(name))
        values = [describe_metric(value) if value else "" for value in pair]
        floor = "" if metric.floor is None else format_figure(metric.floor)
        absent = "only one has it" if None in pair else "other Inception weights"
        verdict = _verdict(compared[name], one, other) if name in compared else absent
        table.add_row(*map(plain, (name, metric.better, *values, floor, verdict)))
    console.print(table)


def _verdict(row: Comparison, one: _Evaluated, other: _Evaluated) -> str:
    if row.winner:
        return f"{(one if row.winner == 'first' else other).reference} is better"
    return "the same" if row.first.value == row.second.value else "within the intervals"


def _verdicts(one: _Evaluated, other: _Evaluated, rows: list[Comparison]) -> list[str]:
    """Say who wins what, in one sentence each; and what nobody wins."""
    sentences = []
    for evaluated, winner in ((one, "first"), (other, "second")):
        won = [row.name for row in rows if row.winner == winner]
        if won:
            sentences.append(f"{evaluated.reference} is better by {', '.join(won)}.")
    if not sentences:
        return ["No figure differs by more than its interval."]
    if any(row.winner is None for row in rows):
        sentences.append("The other figures do not differ by more than their intervals.")
    return sentences


def _report(one: _Evaluated, other: _Evaluated, rows: list[Comparison], obstacle: str | None) -> dict[str, Any]:
    winners = {"first": one.reference, "second": other.reference, None: None}
    return {
        "first": {"model": one.reference, "evaluation": one.record.model_dump(mode="json", by_alias=True)},
        "second": {"model": other.reference, "evaluation": other.record.model_dump(mode="json", by_alias=True)},
        "obstacle": obstacle,
        "comparisons": [
            {
                "metric": row.name,
                "first": row.first.value,
                "second": row.second.value,
                "better": row.first.better,
                "winner": winners[row.winner],
            }
            for row in rows
        ],
    }
