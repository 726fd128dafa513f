"""What every measurement is given."""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models"
MODEL = "mnist-gan"  # has classes, and two versions to swap between


@dataclasses.dataclass(frozen=True)
class Setting:
    """Where and how much.

    Attributes:
        folder: Scratch, gone at the end.
        repository: Models that may be changed.
        count: How often the fault is made.
        clients: Who ask meanwhile.
        seconds: How long each load lasts, where it is not as long as the faults.
        seed: Of all chance.
        model: Name in the repository; its version 1 is asked for.
        settings: Of the service, as environment variables.
    """

    folder: Path
    repository: Path
    count: int
    clients: int = 32
    seconds: float = 10.0
    seed: int = 1
    model: str = MODEL
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)


def copy_models(target: Path, names: tuple[str, ...] = ("mnist-gan", "mnist-vae", "digits-gan")) -> Path:
    """Copy shipped models to a repository that may be changed."""
    for name in names:
        shutil.copytree(SHIPPED / name, target / name)
    return target
