"""Prometheus' text format, written at once: the library's way takes longer than a probe should, for as many lines.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
"""

from collections.abc import Iterable, Mapping, Sequence

from app.api.monitoring.tallies import Tally

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def write_values(
    name: str, kind: str, text: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], float]]
) -> str:
    """Write a counter or a gauge.

    Args:
        name: With its suffix, as the lines have it.
        kind: ``counter`` or ``gauge``.
        text: What it is.
        labels: Their names.
        rows: Values of the labels, and of the series.
    """
    lines = _begin(name, kind, text)
    lines += [f"{name}{_name_series(labels, values)} {value}" for values, value in rows]
    return "\n".join(lines) + "\n"


def write_histogram(name: str, text: str, label: str, tallies: Mapping[str, Tally]) -> str:
    """Write a histogram with one label, or with none where that is empty."""
    lines = _begin(name, "histogram", text)
    for value, tally in tallies.items():
        series = f'{label}="{value.translate(_ESCAPES)}"' if label else ""
        buckets = tally.buckets()
        before = f'{name}_bucket{{{series}{"," if series else ""}le="'
        lines += [f'{before}{bound}"}} {count}' for bound, count in buckets]
        end = f"{{{series}}}" if series else ""
        lines += [f"{name}_count{end} {buckets[-1][1]}", f"{name}_sum{end} {tally.total}"]
    return "\n".join(lines) + "\n"


def _begin(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _name_series(labels: Sequence[str], values: Sequence[str]) -> str:
    pairs = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in zip(labels, values, strict=True))
    return f"{{{pairs}}}" if pairs else ""
