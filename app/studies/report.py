"""What a study found, for people and for machines: a document, a Markdown page, and a picture."""

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import app
from app.studies.arms import BATCH, Arm
from app.studies.intervals import Interval
from app.studies.results import GeneratorResult, StudyFolder
from app.studies.utility import SCHEMA, UtilityStudy
from app.studies.verdict import Comparison, Verdict, compare_arms, format_interval, reach_verdict
from app.training.monitoring import plots
from app.training.runs.run import replace_file

JSON_FILE, MARKDOWN_FILE, PLOT_FILE = "report.json", "report.md", "arms.png"


@dataclasses.dataclass(frozen=True)
class Row:
    """One arm: the accuracy of each seed in percent, and how it compares; nothing for ``real`` itself."""

    arm: Arm
    accuracies: Sequence[float]
    comparison: Comparison | None

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds, in percent."""
        return statistics.fmean(self.accuracies)

    def cells(self) -> list[str]:
        """Return what a table shows: arm, accuracy, what it is compared with, difference, interval, answer."""
        head = [self.arm.name, f"{self.mean:.2f}"]
        if self.comparison is None:
            return [*head, "", "", "", ""]
        difference = self.comparison.difference
        interval = format_interval(difference)
        return [*head, self.comparison.baseline.name, f"{difference.mean:+.2f}", interval, self.comparison.answer]


HEADINGS = ("trained on", "accuracy %", "against", "difference", "95 % interval", "")


@dataclasses.dataclass(frozen=True)
class Report:
    """The table of a study with its verdict, and the sentences that say what was done."""

    study: UtilityStudy
    folder: StudyFolder
    rows: Sequence[Row]
    verdict: Verdict

    @property
    def kept(self) -> float:
        """Part of the generated images that the filter keeps: mean over the seeds."""
        return statistics.fmean(generator.kept for generator in self._generators)

    @property
    def notes(self) -> list[str]:
        """What the figures mean, in sentences."""
        plan, data = self.study.plan, self.study.data
        drawn = (
            f"{plan.num_seeds} seeds: each draws {plan.per_class} real images per class of {data.pool.name}, none in "
            f"common with another seed, trains a generator on just those, and asks it for "
            f"{self._generators[0].num_samples:,} images."
        )
        measured = (
            f"Accuracy: on {data.test.num_images:,} real images ({data.test_split}), mean over {plan.num_classifiers} "
            f"classifiers per seed, {plan.steps} steps of {BATCH} images each."
        )
        compared = (
            "Differences: in percentage points within seeds, of arms with augmentation against real + augmentation, of "
            "others against real; intervals by Student's t over the seeds. An arm helps when its interval is above 0 "
            "even when it is widened for all arms with the same baseline."
        )
        kept = (
            f"Kept: the filter keeps {self.kept:.1%} of the generated images, those that a classifier trained on the "
            f"real ones with augmentation takes for what was asked with more than {plan.confidence:g}."
        )
        return [drawn, measured, compared, kept]

    @property
    def _generators(self) -> list[GeneratorResult]:
        return [self.folder.generators[seed] for seed in range(self.study.plan.num_seeds)]

    def to_document(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        plan, data = self.study.plan, self.study.data
        return {
            "schema": SCHEMA,
            "fount": app.__version__,
            "device": self.study.runtime.describe(),
            "data": {"name": data.pool.name, "sha256": data.pool.sha256, "num_test_images": data.test.num_images},
            "test_split": data.test_split,
            "num_seeds": plan.num_seeds,
            "ratios": list(plan.ratios),
            **plan.identify(),
            "generators": [dataclasses.asdict(generator) for generator in self._generators],
            "arms": [_describe_row(row) for row in self.rows],
            "verdict": dataclasses.asdict(self.verdict) | {"recommended": self.verdict.recommended.name},
        }

    def to_markdown(self) -> str:
        """Return the page: verdict, table, picture, notes."""
        lines = [
            f"# Does generated data help on {self.study.data.pool.name}?",
            "",
            f"**{self.verdict.sentence}.** Recommended: {self.verdict.advice}.",
            "",
            f"| {' | '.join(HEADINGS)} |",
            "|---|---:|---|---:|---|---|",
            *(f"| {' | '.join(row.cells())} |" for row in self.rows),
            "",
            *([f"![Differences with their intervals]({PLOT_FILE})", ""] if plots.can_plot() else []),
            "\n\n".join(self.notes),
            "",
        ]
        return "\n".join(lines)

    def to_plot(self) -> bytes:
        """Draw the differences with their intervals; not of generated images alone, which would set the scale.

        Raises:
            RecipeError: If matplotlib is not installed.
        """
        compared = [
            (row.arm.name, row.comparison.difference) for row in self.rows if row.comparison and row.arm.share < 1
        ]
        arms = [plots.Arm("real", 0.0, 0.0, 0.0), *(plots.Arm(name, *difference) for name, difference in compared)]
        title = f"{self.study.data.pool.name}, {self.study.plan.per_class} images per class"
        unit = "percentage points against the same without generated images"
        return plots.plot_arms(arms, title, unit, baseline="real")

    def write(self, path: Path) -> None:
        """Write the document, the page and, where matplotlib is installed, the picture."""
        replace_file(path / JSON_FILE, json.dumps(self.to_document(), indent=2).encode())
        replace_file(path / MARKDOWN_FILE, self.to_markdown().encode())
        if plots.can_plot():
            replace_file(path / PLOT_FILE, self.to_plot())


def create_report(study: UtilityStudy, folder: StudyFolder) -> Report:
    """Read the results of a complete study.

    Raises:
        KeyError: If it is not complete.
    """
    seeds = range(study.plan.num_seeds)
    accuracies = {arm: [folder.arms[seed, arm.name].accuracy for seed in seeds] for arm in study.plan.arms}
    comparisons = {comparison.arm: comparison for comparison in compare_arms(accuracies)}
    rows = [
        Row(arm, [100 * accuracy for accuracy in values], comparisons.get(arm)) for arm, values in accuracies.items()
    ]
    return Report(study, folder, rows, reach_verdict(accuracies))


def _describe_row(row: Row) -> dict[str, Any]:
    comparison = row.comparison
    return {
        "arm": row.arm.name,
        **dataclasses.asdict(row.arm),
        "accuracies": list(row.accuracies),
        "mean": row.mean,
        "comparison": comparison and _describe_comparison(comparison),
    }


def _describe_comparison(comparison: Comparison) -> Mapping[str, Any]:
    return {
        "against": comparison.baseline.name,
        "difference": _describe_interval(comparison.difference),
        "together": _describe_interval(comparison.together),
        "num_arms": comparison.num_arms,
        "answer": comparison.answer,
    }


def _describe_interval(interval: Interval) -> dict[str, float]:
    return interval._asdict()
