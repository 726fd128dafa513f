"""The bar of long work: on standard error, and only on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.console import err_console

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


def create_bar(*columns: str | ProgressColumn, transient: bool = False) -> Progress:
    """Make a bar behind the description of a task.

    Args:
        columns: What stands behind it; by default how many are done, and the time that remains.
        transient: Whether it is wiped away at the end.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        *(columns or (MofNCompleteColumn(), TimeRemainingColumn())),
        console=err_console,
        disable=not err_console.is_terminal,
        transient=transient,
    )
