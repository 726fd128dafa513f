"""Results of the training benchmark, ours and the peers', as their files hold them."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from machine import Machine
from pydantic import BaseModel, ConfigDict, Field

from app.repository.evaluation import EvaluationRecord, JudgeInfo

RESULTS = Path(__file__).parent / "results"
SPEED = "images_per_cpu_s"
RECONSTRUCTION = "reconstruction_mse_10k_test"
_PEERS = ("torch-mimicry", "pythae")


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Effort(_Document):
    """What a run took: real images seen, and the CPU time of training, with evaluation left out."""

    core_minutes: float
    steps: int
    images_seen: int
    cpu_s: float
    wall_s: float
    threads: int
    precision: str

    @property
    def images_per_cpu_s(self) -> float:
        """Real images per second of one core."""
        return self.images_seen / self.cpu_s


class Result(_Document):
    """One finished run, with all that is needed to repeat it."""

    schema_: Literal["fount-training-benchmark/1"] = Field("fount-training-benchmark/1", alias="schema")
    row: str
    seed: int
    command: str
    environment: dict[str, str]
    date: dt.date
    git_commit: str | None
    machine: Machine
    effort: Effort
    recipe: dict[str, Any]
    versions: dict[str, str]
    num_parameters: int
    digest: str | None
    evaluation: EvaluationRecord

    @property
    def figures(self) -> dict[str, float]:
        """Every figure by its name, speed among them."""
        values = {name: metric.value for name, metric in self.evaluation.metrics.items()}
        return {**values, SPEED: self.effort.images_per_cpu_s}

    @property
    def floors(self) -> dict[str, float]:
        """What real images score."""
        metrics = self.evaluation.metrics.items()
        return {name: metric.floor for name, metric in metrics if metric.floor is not None}


class Peer(BaseModel):
    """What another library made of the same data and budget; see ``benchmarks/peers``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    cpu: str = "unknown"
    date: str = "unknown"
    judge: JudgeInfo
    figures: dict[str, float]

    @property
    def title(self) -> str:
        """The library with its version, the model and how it was sampled."""
        library = next((f"{peer} {self.versions[peer]}" for peer in _PEERS if peer in self.versions), self.name)
        details = [f"`{self.options['model']}`"] if "model" in self.options else []
        details += [f"{self.training['sampler']} sampler"] if "sampler" in self.training else []
        return " ".join([library, ", ".join(details)]).strip()

    @property
    def core_minutes(self) -> float | None:
        """Its budget; None where the record has none."""
        seconds = self.options.get("budget_s")
        return None if seconds is None else seconds / 60

    @property
    def all_figures(self) -> dict[str, float]:
        """Every figure by its name, those among them that its driver measured."""
        return self.figures | {name: self.training[name] for name in (SPEED, RECONSTRUCTION) if name in self.training}


def result_path(folder: Path, name: str) -> Path:
    """Return where the result of a run is kept."""
    return folder / "training" / f"{name}.json"


def read_result(path: Path) -> Result | None:
    """Read a result; None when there is none yet."""
    return Result.model_validate_json(path.read_bytes()) if path.exists() else None


def write_result(path: Path, result: Result) -> None:
    """Write a result, sorted and indented: these files are kept in the repository."""
    document = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")


def read_results(folder: Path, names: Sequence[str]) -> list[Result]:
    """Read those results of some runs that there are."""
    found = (read_result(result_path(folder, name)) for name in names)
    return [result for result in found if result is not None]


def read_peers(folder: Path) -> list[Peer]:
    """Read the results of all peers, the best first."""
    peers = [Peer.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("peers-*.json"))]
    return sorted(peers, key=lambda peer: peer.figures.get("fid_10k_test", float("inf")))
