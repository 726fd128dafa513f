"""A run: its folder, and which one to go on with."""

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.training.compute.runtime import Precision
from app.training.runs.snapshot import list_snapshots

_NUMBER = re.compile(r"[0-9]{3,}")


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """``<root>/<name>/<number>``: config.json, precision.json, log.jsonl, snapshots, grids; finished.json."""

    path: Path

    @property
    def snapshots(self) -> Path:
        """Folder of the snapshots."""
        return self.path / "snapshots"

    @property
    def grids(self) -> Path:
        """Folder of the sample grids."""
        return self.path / "grids"

    def is_done(self, *, publish: bool) -> bool:
        """Tell whether the run went to its end and, if that is asked for now, was published."""
        facts = _read_json(self.path / "finished.json")
        return facts is not None and not (publish and facts.get("version") is None)

    def latest_snapshot(self) -> Path | None:
        """Return the newest complete snapshot."""
        snapshots = list_snapshots(self.snapshots)
        return snapshots[-1] if snapshots else None

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add one line to the log."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def read_memory(self) -> dict[str, Any]:
        """Return what the monitor wrote down; empty at the start."""
        return _read_json(self.path / "monitor.json") or {}

    def write_memory(self, memory: Mapping[str, Any]) -> None:
        """Write down what the monitor must know when the run goes on."""
        _write_json(self.path / "monitor.json", memory)

    def write_best(self, weights: bytes) -> None:
        """Keep the best weights so far."""
        replace_file(self.path / "best.safetensors", weights)

    def read_best(self) -> bytes | None:
        """Return the best weights; None where nobody compared."""
        path = self.path / "best.safetensors"
        return path.read_bytes() if path.exists() else None

    def settle_precision(self, proposed: Precision) -> Precision:
        """Return the precision that this run computes in: the first one proposed, so that resuming is exact."""
        path = self.path / "precision.json"
        settled: Precision | None = (_read_json(path) or {}).get("precision")
        if settled is None:
            _write_json(path, {"precision": proposed})
        return settled or proposed

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Mark the run as finished."""
        _write_json(self.path / "finished.json", facts)


def open_run(root: Path, name: str, identity: Mapping[str, Any], *, publish: bool, fresh: bool) -> RunFolder:
    """Return the run to go on with: the newest one if it is the same and something is left to do, else a new one.

    Args:
        root: Folder of all runs.
        name: Of the model.
        identity: All that the result depends on: configuration and data digest.
        publish: Whether the result shall be published; a run that was only trained is then not done yet.
        fresh: Start anew in any case.
    """
    home = root / name
    numbers = sorted(int(path.name) for path in home.glob("*") if _NUMBER.fullmatch(path.name))
    if numbers and not fresh:
        last = RunFolder(home / f"{numbers[-1]:03d}")
        if not last.is_done(publish=publish) and _read_json(last.path / "config.json") == json.loads(
            json.dumps(identity)
        ):
            return last
    run = RunFolder(home / f"{(numbers[-1] if numbers else 0) + 1:03d}")
    run.grids.mkdir(parents=True)
    _write_json(run.path / "config.json", identity)
    return run


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    replace_file(path, json.dumps(document, indent=2).encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file aside, sync it, then give it its name: a crash leaves the one before."""
    aside = path.with_name(f".{path.name}.tmp")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
