"""What the drivers of all peers share: the data, the CPU clock and the file of samples. Knows nothing of Fount.

It needs NumPy and the standard library only, because it runs in the environments of the peers.
"""

import argparse
import contextlib
import gzip
import importlib.machinery
import importlib.metadata
import json
import math
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUM_CLASSES = 10


class BudgetSpentError(Exception):
    """The CPU time of a run is used up."""


class Budget:
    """CPU seconds of this process on all its threads, so that neighbours on the machine do not change the result."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = time.process_time()

    @property
    def spent_s(self) -> float:
        """CPU seconds since the budget was made."""
        return time.process_time() - self._began

    @property
    def progress(self) -> float:
        """Share that is spent, in [0, 1]."""
        return min(1.0, self.spent_s / self.seconds)

    def check(self) -> None:
        """Stop the training from inside.

        Raises:
            BudgetSpentError: If nothing is left.
        """
        if self.progress >= 1.0:
            raise BudgetSpentError


def create_parser(description: str | None) -> argparse.ArgumentParser:
    """Build the options that every driver has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four IDX files of MNIST, gzipped")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write; a .json of the run lies beside it")
    parser.add_argument("--budget-s", type=float, default=600.0, help="CPU seconds of training")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-samples", type=int, default=25_600, help="10,000 are enough for all but accuracy")
    return parser


def read_training_split(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images (N, 28, 28) and labels of the training split."""
    images = _read_idx(folder / "train-images-idx3-ubyte.gz")
    return images, _read_idx(folder / "train-labels-idx1-ubyte.gz").astype(np.int64)


def read_test_images(folder: Path) -> NDArray[np.uint8]:
    """Read images (N, 28, 28) of the test split."""
    return _read_idx(folder / "t10k-images-idx3-ubyte.gz")


def _read_idx(path: Path) -> NDArray[np.uint8]:
    content = gzip.decompress(path.read_bytes())
    num_axes = content[3]
    shape = np.frombuffer(content, ">u4", count=num_axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * num_axes).reshape([int(size) for size in shape])


def write_samples(
    out: Path, images: NDArray[np.float32], labels: NDArray[np.int64] | None, record: dict[str, Any]
) -> None:
    """Round pixels to 8 bits and write them with the record of their run.

    Args:
        out: The ``.npz``.
        images: Pixels (N, 28, 28) in [0, 1]; what lies outside is cut.
        labels: Class that each image was asked for; None for a peer without classes.
        record: Settings and figures of the run.
    """
    pixels = np.rint(images.clip(0.0, 1.0) * 255.0).astype(np.uint8)[..., np.newaxis]
    out.parent.mkdir(parents=True, exist_ok=True)
    if labels is None:
        np.savez_compressed(out, images=pixels)
    else:
        np.savez_compressed(out, images=pixels, labels=labels)
    out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"{out}: {len(pixels)} samples, {json.dumps(record['training'])}")


def describe(arguments: argparse.Namespace, packages: Sequence[str], training: dict[str, Any]) -> dict[str, Any]:
    """Gather what a reader needs to repeat a run.

    Args:
        arguments: Options of the driver; paths are left out.
        packages: Distributions whose versions matter.
        training: CPU seconds, images seen and the like.
    """
    options = {name: value for name, value in vars(arguments).items() if not isinstance(value, Path)}
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {
        "options": options,
        "training": {name: _round(value) for name, value in training.items()},
        "versions": {"python": platform.python_version()} | versions,
        "cpu": _name_cpu(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _round(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) and math.isfinite(value) else value


def _name_cpu() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return f"{len(names)} cores {names[0]}, one thread used" if names else platform.processor()


class _StandIn(ModuleType):
    """A module that has every name, for a peer that imports more than it needs here."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self.__name__}.{name}")


@contextlib.contextmanager
def stand_in(names: Sequence[str]) -> Iterator[None]:
    """Let modules be imported that are not there, while the context lasts."""
    missing = [name for name in names if name not in sys.modules]
    for name in missing:
        module = _StandIn(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name)
