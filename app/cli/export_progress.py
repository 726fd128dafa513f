"""The progress bar of ``fount export``: samples, their rate, and the time that remains."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


class ExportProgress:
    """Watches an export; shows a bar on a terminal.

    Args:
        console: Where the bar is drawn.

    Attributes:
        found: Samples that were there already.
        written: Samples that were written.
        seconds: From the first shard that was looked at to the last one written.
    """

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.found = 0
        self.written = 0
        self.seconds = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._started = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        self._task = self._bar.add_task("starting", total=None, rate="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, num_samples: int) -> None:
        """Take the number of samples of the dataset."""
        self._started = time.monotonic()
        self._update(total=num_samples, description="checking")

    def find(self, num_samples: int) -> None:
        """Take the samples of a shard that is there already."""
        self.found += num_samples
        self._update(description="checking")

    def write(self, num_samples: int) -> None:
        """Take samples that were written now."""
        if not self.written:
            self._started = time.monotonic() if self.found else self._started
        self.written += num_samples
        self._update(description="exporting")

    def _update(self, *, description: str, total: int | None = None) -> None:
        self.seconds = time.monotonic() - self._started
        rate = f"{self.written / self.seconds:,.0f} samples/s" if self.written and self.seconds else ""
        if self._task is not None:
            completed = self.found + self.written
            self._bar.update(self._task, completed=completed, total=total, description=description, rate=rate)
