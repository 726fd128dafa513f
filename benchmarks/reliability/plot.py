"""A small picture of figures over time, as SVG."""

from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _LEFT, _TOP, _ROW = 720, 150, 70, 30, 190
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")


def draw_rows(title: str, times: Sequence[float], rows: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Draw a row of axes per figure, and a line per series.

    Args:
        title: Above all.
        times: Of all samples, in seconds.
        rows: By name of the figure: by name of the series, as many values as times.

    Returns:
        The document.
    """
    height = _TOP + _ROW * len(rows) + 20
    box = f"0 0 {_LEFT + _WIDTH + 20} {height}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-weight="bold">{title}</text>',
    ]
    for number, (name, series) in enumerate(rows.items()):
        parts += _draw_row(_TOP + _ROW * number, name, times, series)
    return "\n".join([*parts, "</svg>\n"])


def _draw_row(top: int, name: str, times: Sequence[float], series: Mapping[str, Sequence[float]]) -> list[str]:
    most = max(max(values, default=0) for values in series.values()) or 1
    last = max(times, default=0) or 1
    bottom = top + 20 + _HEIGHT
    parts = [
        f'<text x="{_LEFT}" y="{top + 14}">{name}, up to {last / 60:.0f} min</text>',
        f'<path d="M{_LEFT},{top + 20}V{bottom}H{_LEFT + _WIDTH}" fill="none" stroke="#888"/>',
        f'<text x="{_LEFT - 6}" y="{top + 30}" text-anchor="end">{most:,.0f}</text>',
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
    ]
    for number, (label, values) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = (
            f"{_LEFT + _WIDTH * at / last:.1f},{bottom - _HEIGHT * value / most:.1f}"
            for at, value in zip(times, values, strict=True)
        )
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}"/>')
        parts.append(f'<text x="{_LEFT + 250 + 110 * number}" y="{top + 14}" fill="{colour}">{label}</text>')
    return parts
