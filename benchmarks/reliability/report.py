"""What a measurement found: figures with their bars, printed as a table and kept as JSON."""

import datetime as dt
from pathlib import Path
from typing import Any, Literal

from machine import Machine
from pydantic import BaseModel, ConfigDict, Field

RESULTS = Path(__file__).parents[1] / "results"
_WORDS = {"at most": "<=", "at least": ">="}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bar(_Record):
    """One figure, and what it must be."""

    name: str
    figure: float
    relation: Literal["at most", "at least"]
    bound: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the figure is what it must be; one that is not a number never is."""
        return self.figure <= self.bound if self.relation == "at most" else self.figure >= self.bound

    def render(self) -> str:
        """Write one line."""
        verdict = "met   " if self.is_met else "MISSED"
        unit = f" {self.unit}" if self.unit else ""
        return f"{verdict}  {self.name}: {self.figure:,.6g}{unit} ({_WORDS[self.relation]} {self.bound:,.6g}{unit})"


class Findings(_Record):
    """What one measurement found.

    Attributes:
        bars: Figures that must be something.
        figures: All else that is worth keeping, by name.
    """

    bars: list[Bar]
    figures: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Whether all bars are met."""
        return all(bar.is_met for bar in self.bars)


class Report(_Record):
    """Findings, and how they were found."""

    name: str
    command: str
    date: dt.datetime
    commit: str
    machine: Machine
    seconds: float
    findings: Findings


def at_most(name: str, figure: float, bound: float, unit: str = "") -> Bar:
    """Set a bar that a figure must not exceed."""
    return Bar(name=name, figure=figure, relation="at most", bound=bound, unit=unit)


def at_least(name: str, figure: float, bound: float, unit: str = "") -> Bar:
    """Set a bar that a figure must reach."""
    return Bar(name=name, figure=figure, relation="at least", bound=bound, unit=unit)


def render(report: Report) -> str:
    """Write a report as lines of text: the bars, then the figures."""
    date = f"{report.date:%Y-%m-%d %H:%M} UTC"
    lines = [f"{report.name}: {report.seconds:.0f} s, {date}, {report.machine.describe()}", f"  {report.command}"]
    lines += [f"  {bar.render()}" for bar in report.findings.bars]
    told = {name: figure for name, figure in report.findings.figures.items() if name != "samples"}
    lines += [f"  {name}: {_render_figure(figure)}" for name, figure in told.items()]
    return "\n".join(lines)


def write_report(report: Report, folder: Path = RESULTS) -> Path:
    """Keep a report; one of the same name before it is replaced."""
    path = folder / f"reliability-{report.name}.json"
    path.write_text(report.model_dump_json(indent=1) + "\n", "utf-8")
    return path


def _render_figure(figure: Any) -> str:
    if isinstance(figure, float):
        return f"{figure:,.4g}"
    if isinstance(figure, dict):
        return ", ".join(f"{name} {_render_figure(value)}" for name, value in figure.items()) or "none"
    if isinstance(figure, list | tuple):
        return "; ".join(_render_figure(value) for value in figure) or "none"
    return str(figure)
