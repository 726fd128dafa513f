"""The section `Training` of the page of benchmarks, from results alone."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from training_results import RECONSTRUCTION, SPEED, Peer, Result
from training_rows import Bar, Row

from app.repository.evaluation import JudgeInfo

NONE = "-"
_GRIDS_PER_LINE = 3


class Column(NamedTuple):
    """A figure as it is shown: its heading, how many places it has, and what it is multiplied by."""

    figure: str
    heading: str
    places: int
    factor: float = 1.0

    def write(self, value: float) -> str:
        """Write a value."""
        return f"{value * self.factor:,.{self.places}f}"

    def summarise(self, values: Sequence[float]) -> str:
        """Write the median, and the range where there is one."""
        if not values:
            return NONE
        median = self.write(statistics.median(values))
        return median if len(values) == 1 else f"{median} ({self.write(min(values))} to {self.write(max(values))})"


_SPEED = Column(SPEED, "images/s per core", 0)
_FID = Column("fid_10k_test", "FID", 2)
_BALANCED = Column("fid_balanced_10k_test", "FID balanced", 2)
_COVERAGE = Column("coverage_10k_test", "coverage", 3)
_RECALL = Column("recall_10k_test", "recall", 3)
COLUMNS = {
    "mnist": [
        _FID,
        _BALANCED,
        Column("cas_25600", "CAS %", 1, 100),
        _COVERAGE,
        _RECALL,
        Column("label_agreement_10k", "label %", 1, 100),
        Column("label_agreement_worst_10k", "worst label %", 1, 100),
        Column("memorisation_10k_train", "memorisation", 2),
        _SPEED,
    ],
    "stacked": [
        Column("modes_25600", "modes", 0),
        Column("reverse_kl_25600", "reverse KL", 3),
        _FID,
        _COVERAGE,
        _RECALL,
        _SPEED,
    ],
}
_RECONSTRUCTION = Column(RECONSTRUCTION, "error x 1000", 2, 1000)
_ABOUT_RECONSTRUCTION = """The 10,000 test images, encoded and decoded again: mean squared error of pixels in [0, 1]."""
_PUBLISHED_RECONSTRUCTION = (
    "| *published: a convolutional autoencoder after 30 epochs of 5,000 images, training loss"
    " ([S. Mohapatra](https://soveshmohapatra.com/projects/autoencoders-benchmark/))* | - | 32 | 8.3 |"
)
TITLES = {"mnist": "MNIST", "stacked": "StackedMNIST, unconditional"}


class Entry(NamedTuple):
    """A row with those of its runs that are finished."""

    row: Row
    results: list[Result]

    def values(self, figure: str) -> list[float]:
        """Return a figure of every run that has it."""
        return [result.figures[figure] for result in self.results if figure in result.figures]


def render_section(entries: Sequence[Entry], peers: Sequence[Peer], images: Path) -> str:
    """Write the section.

    Args:
        entries: In the order to show them.
        peers: The same.
        images: Folder of the grids, beside the page in ``images/training``.
    """
    parts = [_INTRODUCTION]
    for table, title in TITLES.items():
        own = [entry for entry in entries if entry.row.table == table]
        others = peers if table == "mnist" else []
        if own or others:
            parts += [f"### {title}", _describe_judges(own, others), _render_table(table, own, others)]
    parts += ["### Reconstruction", _render_reconstruction(entries, peers)]
    parts += ["### Samples", _render_grids(entries, images), "### How each row was made", _render_origins(entries)]
    return "\n\n".join(part for part in parts if part)


def _render_table(table: str, entries: Sequence[Entry], peers: Sequence[Peer]) -> str:
    columns = COLUMNS[table]
    lines = [
        _line(["run", "core-minutes", "seeds", *(column.heading for column in columns), "bars"]),
        _line(["---", "---:", "---:", *("---:" for _ in columns), "---"]),
    ]
    floors = _find_floors(entries)
    if floors:
        lines.append(_line(["*real images*", NONE, NONE, *_cells(columns, floors), NONE]))
    for entry in entries:
        row, count = entry.row, len(entry.results)
        seeds = str(count) if count == len(row.seeds) else f"{count} of {len(row.seeds)}"
        figures = [column.summarise(entry.values(column.figure)) for column in columns]
        title = f"`{row.id}` {row.title}"
        lines.append(_line([title, f"{row.core_minutes:g}", seeds, *figures, judge_bars(entry, columns)]))
    for peer in peers:
        minutes = NONE if peer.core_minutes is None else f"{peer.core_minutes:g}"
        lines.append(_line([f"*{peer.title}*", minutes, "1", *_cells(columns, peer.all_figures), NONE]))
    return "\n".join(lines)


def _render_reconstruction(entries: Sequence[Entry], peers: Sequence[Peer]) -> str:
    """Write how much is lost between encoder and decoder, for every run that has both."""
    lines = [
        _line(["run", "core-minutes", "numbers in a code", "error x 1000"]),
        _line(["---", "---:", "---:", "---:"]),
    ]
    for entry in entries:
        if entry.values(RECONSTRUCTION):
            row, size = entry.row, entry.results[0].recipe["model"]["latent_dim"]
            error = _RECONSTRUCTION.summarise(entry.values(RECONSTRUCTION))
            lines.append(_line([f"`{row.id}` {row.title}", f"{row.core_minutes:g}", str(size), error]))
    for peer in peers:
        if RECONSTRUCTION in peer.all_figures:
            minutes = NONE if peer.core_minutes is None else f"{peer.core_minutes:g}"
            error = _RECONSTRUCTION.write(peer.all_figures[RECONSTRUCTION])
            lines.append(_line([f"*{peer.title}*", minutes, str(peer.options.get("latent_dim", NONE)), error]))
    lines.append(_PUBLISHED_RECONSTRUCTION)
    return "\n".join([_ABOUT_RECONSTRUCTION, "", *lines])


def judge_bars(entry: Entry, columns: Sequence[Column]) -> str:
    """Say which bars the median meets; a row that was not run, and a figure that was not taken, leave theirs open."""
    shown = {column.figure: column for column in columns}
    verdicts: dict[str, list[str]] = {}
    for bar in entry.row.bars:
        values = entry.values(bar.figure)
        verdict = "open" if not values else "met" if bar.is_met(statistics.median(values)) else "**missed**"
        verdicts.setdefault(verdict, []).append(_describe_bar(bar, shown.get(bar.figure)))
    return "; ".join(f"{verdict}: {', '.join(bars)}" for verdict, bars in verdicts.items()) or NONE


def _describe_bar(bar: Bar, column: Column | None) -> str:
    sign = "≤" if bar.is_ceiling else "≥"
    if column is None:
        return f"`{bar.figure}` {sign} {bar.limit:g}"
    return f"{column.heading.removesuffix(' %')} {sign} {bar.limit * column.factor:,g}"


def _find_floors(entries: Iterable[Entry]) -> dict[str, float]:
    """Return the floors of the first run: they follow from the judge and the data, not from the generator."""
    return next((result.floors for entry in entries for result in entry.results), {})


def _cells(columns: Sequence[Column], figures: Mapping[str, float]) -> list[str]:
    return [column.write(figures[column.figure]) if column.figure in figures else NONE for column in columns]


def _describe_judges(entries: Iterable[Entry], peers: Iterable[Peer]) -> str:
    infos = [result.evaluation.judge for entry in entries for result in entry.results]
    judges = {judge.sha256: judge for judge in [*infos, *(peer.judge for peer in peers)]}
    lines = [_describe_judge(judge) for judge in judges.values()]
    if len(lines) > 1:
        lines.append("**Rows that different judges looked at cannot be compared.**")
    return " ".join(lines)


def _describe_judge(judge: JudgeInfo) -> str:
    return f"Judge `{judge.sha256[:12]}`: {judge.description}, right about {100 * judge.accuracy:.2f} % of real images."


def _render_grids(entries: Iterable[Entry], images: Path) -> str:
    shown = [entry.row for entry in entries if (images / f"{entry.row.id}.png").exists()]
    if not shown:
        return "None yet."
    cells = [f"![{row.title}](images/training/{row.id}.png)<br>`{row.id}`" for row in shown]
    cells += [""] * (-len(cells) % _GRIDS_PER_LINE)
    lines = [_line(cells[start : start + _GRIDS_PER_LINE]) for start in range(0, len(cells), _GRIDS_PER_LINE)]
    return "\n".join([_line([""] * _GRIDS_PER_LINE), _line(["---"] * _GRIDS_PER_LINE), *lines])


def _render_origins(entries: Iterable[Entry]) -> str:
    lines = [
        _line(["row", "about", "recipe", "dates", "commits", "precision", "core-minutes spent", "hardware"]),
        _line(["---", "---", "---", "---", "---", "---", "---:", "---"]),
    ]
    for row, results in entries:
        recipe = " ".join([f"`{row.recipe}`", *(f"`--set {setting}`" for setting in row.overrides)])
        spent = Column("", "", 1).summarise([result.effort.cpu_s / 60 for result in results])
        facts: list[Callable[[Result], str]] = [
            lambda result: f"{result.date}",
            lambda result: f"`{_shorten(result.git_commit)}`",
            lambda result: result.effort.precision,
        ]
        dates, commits, precisions = (_list_distinct(map(fact, results)) for fact in facts)
        hardware = _list_distinct(result.machine.describe() for result in results)
        lines.append(_line([f"`{row.id}`", row.about, recipe, dates, commits, precisions, spent, hardware]))
    return "\n".join(lines)


def _shorten(commit: str | None) -> str:
    """Keep the mark of a tree with changes."""
    if commit is None:
        return "unknown"
    digits, dash, mark = commit.partition("-")
    return f"{digits[:10]}{dash}{mark}"


def _list_distinct(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values)) or NONE


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


_INTRODUCTION = """\
How good is a generator after so much time? Each run has one thread and a budget in **core-minutes**, CPU time of its
process, so that neighbours on a shared machine cost it no steps: 10 core-minutes are 5 minutes of two cores. Reading
data, evaluation and publishing are outside of it; fitting a prior of codes is inside.

`python benchmarks/training.py run ROW --data MNIST` trains, evaluates and records every seed of a row, by

```sh
python -m app train RECIPE --data MNIST --name ROW-sSEED --time-budget SECONDS \\
  --set clock=cpu --set threads=1 --set seed=SEED --publish --evaluate full
```

with the `--set` values of the row, which are below, and `table` writes this section. Rows and their bars are in
`benchmarks/training_rows.toml`, whole results in `benchmarks/results`.

Figures are those of the [full protocol](evaluation.md#the-protocol): medians over the seeds, with the range. *Real
images* are the floor: what the training split scores in the place of samples. FID is of samples whose classes have the
shares of the test split, *FID balanced* of 1,000 samples of each class. Bars are what the project set itself before
measuring, for balanced samples; those of speed are half of what is asked of two cores. Peers, in italics, are public
libraries on the same data, budget and judge, by [`benchmarks/peers`](../benchmarks/peers/README.md)."""
