"""Curves and sample grids for TensorBoard, beside the log; needs the extra ``tensorboard``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.errors import RecipeError
from app.imaging.codec import Pixels


class TensorBoardWriter:
    """Writes event files into a folder; ``tensorboard --logdir`` of it, or of any folder above, shows them.

    Args:
        folder: Where to write; made when missing.
        first_step: Step that the run starts or goes on from. What an earlier attempt wrote for later steps is hidden.

    Raises:
        RecipeError: If TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, first_step: int = 0) -> None:
        self._writer = _open_writer(folder, first_step)

    def add_figures(self, step: int, figures: Mapping[str, float], *, group: str = "training") -> None:
        """Write one point of a curve for each figure; a group's curves are shown together."""
        for name, value in figures.items():
            self._writer.add_scalar(f"{group}/{name}", value, step)

    def add_sheet(self, step: int, sheet: Pixels, *, name: str = "samples") -> None:
        """Write a picture, shape (h, w, c)."""
        self._writer.add_image(name, sheet, step, dataformats="HWC")

    def flush(self) -> None:
        """Bring all that was added to the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is left, and end the thread that writes."""
        self._writer.close()


def _open_writer(folder: Path, first_step: int) -> Any:
    try:
        from torch.utils.tensorboard.writer import SummaryWriter  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise RecipeError("monitor.tensorboard: TensorBoard is missing: pip install 'fount[tensorboard]'") from error
    return SummaryWriter(str(folder), purge_step=first_step)
