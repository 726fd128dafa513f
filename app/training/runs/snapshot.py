"""Snapshots: the whole state of a run in one safetensors file; a crash while writing leaves the one before."""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from app.core.errors import SnapshotError
from app.training.trainers.trainer import Trainer

SCHEMA = "fount-snapshot/1"
KEPT = 2
_SUFFIX = ".safetensors"
_CONTROL = "control"


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    step: int
    wall_seconds: float
    budget_seconds: float
    """By the clock that the schedule follows."""
    is_complete: bool = False


def save_snapshot(folder: Path, trainer: Trainer, progress: Progress) -> Path:
    """Write a snapshot aside, sync it, then give it its name; older ones but the last are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {
        "schema": SCHEMA,
        "progress": json.dumps(dataclasses.asdict(progress)),
        "config": _identify(trainer),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _state(trainer).items()}
    path = folder / f"step-{progress.step:09d}{_SUFFIX}"
    aside = folder / f".{path.name}.tmp"
    with aside.open("wb") as file:
        file.write(safetensors.torch.save(tensors, metadata))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    for old in list_snapshots(folder)[:-KEPT]:
        old.unlink()
    return path


def list_snapshots(folder: Path) -> list[Path]:
    """Return the complete snapshots of a run, oldest first."""
    return sorted(folder.glob(f"step-*{_SUFFIX}"))


def load_snapshot(path: Path, trainer: Trainer) -> Progress:
    """Put a run back to where a snapshot was taken.

    Raises:
        SnapshotError: If the file is torn, of another schema, or of another configuration.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, safetensors.SafetensorError) as error:
        raise SnapshotError(f"{path.name} cannot be read: {error}") from error
    if metadata.get("schema") != SCHEMA:
        raise SnapshotError(f"{path.name} is not a snapshot of this build")
    if metadata.get("config") != _identify(trainer):
        raise SnapshotError(f"{path.name} belongs to a run with other settings")
    _restore(trainer, tensors)
    return Progress(**json.loads(metadata["progress"]))


def _identify(trainer: Trainer) -> str:
    """Return what the result depends on, as text; where it is computed is not part of that."""
    return trainer.config.model_dump_json(exclude={"runtime"})


def _state(trainer: Trainer) -> dict[str, Tensor]:
    state = {
        f"{part}.{name}": tensor
        for part, network in trainer.networks().items()
        for name, tensor in network.state_dict().items()
    }
    for part, optimizer in trainer.optimizers().items():
        state |= {f"{part}.{index}.{key}": tensor for index, key, tensor in _moments(optimizer.state_dict())}
    return state | {f"{_CONTROL}.{name}": tensor for name, tensor in trainer.state().items()}


def _moments(state: dict[str, Any]) -> Iterator[tuple[int, str, Tensor]]:
    for index, moments in state["state"].items():
        for key, tensor in moments.items():
            yield index, key, tensor


def _restore(trainer: Trainer, tensors: dict[str, Tensor]) -> None:
    try:
        for part, network in trainer.networks().items():
            network.load_state_dict(_part(tensors, part))
        for part, optimizer in trainer.optimizers().items():
            parameters = optimizer.param_groups[0]["params"]
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in _part(tensors, part).items():
                index, key = name.split(".")
                state.setdefault(int(index), {})[key] = _lay_out_like(parameters[int(index)], tensor)
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        trainer.load_state(_part(tensors, _CONTROL))
    except (RuntimeError, ValueError, LookupError) as error:
        raise SnapshotError("the snapshot does not fit the networks of this build") from error


def _lay_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """Give a moment the memory layout of its parameter: fused optimizers walk both by address."""
    return torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
