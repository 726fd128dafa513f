"""Pictures of a run and of a comparison, as PNG on white: curves over the images seen, and means with their intervals.

matplotlib comes with the extra ``train`` and is imported when something is drawn; pyplot and its state never are.
"""

import dataclasses
import importlib.util
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.errors import RecipeError

Entry: TypeAlias = Mapping[str, Any]
"""One line of ``log.jsonl``: ``step``, and figures by name, also one level deeper."""

WIDTH_PX = 800
PANEL_PX = 190
_DPI = 100
_INK, _GRID = "#333333", "#dddddd"
# Okabe & Ito 2008, "Color universal design": told apart by colour-blind readers.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_SMOOTH_PARTS = 30
_OUTLIERS = 0.005
_LOG_ABOVE = 30.0
_MOST_MARKERS = 40


@dataclasses.dataclass(frozen=True)
class _Panel:
    unit: str
    takes: Callable[[str], bool]
    is_smoothed: bool = True
    is_share: bool = False


_PANELS = (
    _Panel("loss", lambda name: name.endswith("loss") or name == "reconstruction"),
    _Panel("divergence (nats)", lambda name: name == "kl"),
    _Panel("squared slope", lambda name: name in {"r1", "r2", "gradient_penalty"}),
    _Panel("gamma", lambda name: name.endswith("gamma"), is_smoothed=False),
    _Panel("chance", lambda name: name.endswith("probability"), is_smoothed=False, is_share=True),
    _Panel("FID", lambda name: name.startswith("fid_") and "per_class" not in name, is_smoothed=False),
    _Panel(
        "share", lambda name: name.startswith(("coverage_", "recall_", "precision_")), is_smoothed=False, is_share=True
    ),
)


@dataclasses.dataclass(frozen=True)
class Arm:
    """One arm of a comparison: a mean and its interval, low to high."""

    name: str
    mean: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class _Curve:
    name: str
    images_seen: NDArray[np.float64]
    values: NDArray[np.float64]


def can_plot() -> bool:
    """Tell whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def read_entries(log: Path) -> list[dict[str, Any]]:
    """Read a run's ``log.jsonl``; a line that a crash cut short is left out."""
    entries = []
    for line in log.read_text("utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return entries


def plot_curves(entries: Iterable[Entry], *, images_per_step: int, title: str) -> bytes:
    """Draw what a log holds of losses, penalties, gamma, FID and coverage, over real images seen.

    Log lines are drawn pale, and smoothed over a thirtieth of the run; a step that was logged twice, before and after
    a crash, counts as logged last.

    Args:
        entries: Lines of the log.
        images_per_step: Real images of one step.
        title: Above all.

    Returns:
        A PNG, 800 pixels wide.

    Raises:
        RecipeError: If matplotlib is not installed, or nothing in the log can be drawn.
    """
    series = _collect(entries)
    panels = [(panel, list(_select(panel, series, images_per_step))) for panel in _PANELS]
    panels = [(panel, curves) for panel, curves in panels if curves]
    if not panels:
        raise RecipeError("the log holds nothing to draw")
    figure, axes = _create_figure(len(panels), title, height_px=PANEL_PX * len(panels) + 90)
    for axis, (panel, curves) in zip(axes, panels, strict=True):
        _draw_panel(axis, panel, curves)
    figure.align_ylabels(axes)
    axes[-1].set_xlabel("real images seen")
    axes[-1].xaxis.set_major_formatter(_write_count)
    return _encode(figure)


def plot_arms(arms: Sequence[Arm], title: str, unit: str, *, baseline: str | None = None) -> bytes:
    """Draw the means of a comparison with their intervals, one row per arm in the order given.

    Args:
        arms: At least one.
        title: Above all.
        unit: Of the values, for the axis: what is measured, and in what.
        baseline: Name of the arm that the others are compared with; its mean is drawn through all rows.

    Returns:
        A PNG, 800 pixels wide.

    Raises:
        RecipeError: If matplotlib is not installed.
    """
    figure, [axis] = _create_figure(1, title, height_px=34 * len(arms) + 120)
    rows = range(len(arms))
    write = _choose_decimals(max(arm.high for arm in arms) - min(arm.low for arm in arms))
    for row, arm in zip(rows, arms, strict=True):
        color = _INK if arm.name == baseline else _COLORS[0]
        axis.plot([arm.low, arm.high], [row, row], color=color, linewidth=7, alpha=0.3, solid_capstyle="butt")
        axis.plot([arm.mean], [row], color=color, marker="o", markersize=7)
        text = f"{write(arm.mean)}  ({write(arm.low)} to {write(arm.high)})"
        axis.annotate(text, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9, color=_INK)
    for mean in (arm.mean for arm in arms if arm.name == baseline):
        axis.axvline(mean, color=_INK, linewidth=1, linestyle="--", zorder=0)
    axis.set_yticks(rows, [arm.name for arm in arms])
    axis.set_ylim(len(arms) - 0.5, -0.5)
    axis.set_xlabel(unit)
    axis.grid(visible=False, axis="y")
    return _encode(figure)


def _collect(entries: Iterable[Entry]) -> dict[str, dict[int, float]]:
    """Return each figure's value by step."""
    series: dict[str, dict[int, float]] = {}
    for entry in entries:
        for name, value in _flatten(entry) if "step" in entry else ():
            series.setdefault(name, {})[entry["step"]] = value
    return series


def _flatten(entry: Entry) -> Iterator[tuple[str, float]]:
    for name, value in entry.items():
        if isinstance(value, Mapping):
            yield from _flatten(value) if "value" not in value else ((name, float(value["value"])),)
        elif isinstance(value, int | float) and math.isfinite(value):
            yield name, float(value)


def _select(panel: _Panel, series: Mapping[str, Mapping[int, float]], images_per_step: int) -> Iterator[_Curve]:
    for name in sorted(filter(panel.takes, series)):
        steps = sorted(series[name])
        values = np.array([series[name][step] for step in steps])
        yield _Curve(name, np.array(steps, np.float64) * images_per_step, values)


def _create_figure(num_panels: int, title: str, *, height_px: int) -> tuple[Any, list[Any]]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise RecipeError("curves are drawn by matplotlib: pip install 'fount[train]'") from error
    figure = Figure((WIDTH_PX / _DPI, height_px / _DPI), dpi=_DPI, facecolor="white", layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=_INK)
    axes = list(figure.subplots(num_panels, 1, sharex=True, squeeze=False)[:, 0])
    for axis in axes:
        axis.grid(visible=True, color=_GRID, linewidth=0.8)
        axis.set_axisbelow(True)
        axis.tick_params(which="both", colors=_INK, labelsize=9, length=0)
        axis.spines[:].set_visible(False)
    return figure, axes


def _draw_panel(axis: Any, panel: _Panel, curves: list[_Curve]) -> None:
    for color, curve in zip(_COLORS, curves, strict=False):
        smooth = _smooth(curve.values) if panel.is_smoothed else curve.values
        if panel.is_smoothed:
            axis.plot(curve.images_seen, curve.values, color=color, linewidth=0.8, alpha=0.25)
        marker = "o" if len(curve.values) <= _MOST_MARKERS else None
        label = curve.name.replace("_", " ")
        axis.plot(curve.images_seen, smooth, color=color, linewidth=1.6, marker=marker, markersize=3, label=label)
    axis.set_ylabel(panel.unit, fontsize=9, color=_INK)
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=len(curves), frameon=False, fontsize=9)
    _scale(axis, panel, np.concatenate([curve.values for curve in curves]))


def _scale(axis: Any, panel: _Panel, values: NDArray[np.float64]) -> None:
    """Choose the ends of an axis; a few outliers, as at the start of a run, do not decide."""
    if panel.is_share:
        axis.set_ylim(0, 1)
        return
    low, high = np.quantile(values, [_OUTLIERS, 1 - _OUTLIERS])
    if low > 0 and high > _LOG_ABOVE * low:
        axis.set_yscale("log")
    elif high > low:
        axis.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the running mean over a thirtieth of the curve, centred."""
    half = len(values) // (2 * _SMOOTH_PARTS)
    window = np.ones(2 * half + 1)
    smooth: NDArray[np.float64] = np.convolve(values, window, "same") / np.convolve(
        np.ones_like(values), window, "same"
    )
    return smooth


def _write_count(value: float, _position: int) -> str:
    """Write a number of images as people do: ``250k``, ``1.5M``."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def _choose_decimals(span: float) -> Callable[[float], str]:
    """Return what writes numbers to a hundredth of a span, or somewhat finer."""
    decimals = 2 if span <= 0 else max(0, 2 - math.floor(math.log10(span)))
    return f"{{:.{decimals}f}}".format


def _encode(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
