"""The folder of a study: what was asked, and every result as soon as it is there, so that a killed study goes on."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.errors import ConfigurationError
from app.training.runs.run import replace_file

_IDENTITY, _RESULTS = "study.json", "results.jsonl"


@dataclasses.dataclass(frozen=True)
class GeneratorResult:
    """What the generator of one seed cost, and how much of what it makes the filter keeps.

    Attributes:
        seed: Number of the seed.
        steps: Steps of its training.
        wall_seconds: Time of its training.
        num_samples: Images it was asked for.
        kept: Part of them that the filter keeps, in [0, 1].
    """

    seed: int
    steps: int
    wall_seconds: float
    num_samples: int
    kept: float


@dataclasses.dataclass(frozen=True)
class ArmResult:
    """The accuracy on the test images, of each classifier that was trained on one arm of one seed, in [0, 1]."""

    seed: int
    arm: str
    accuracies: list[float]

    @property
    def accuracy(self) -> float:
        """Mean over the classifiers."""
        return sum(self.accuracies) / len(self.accuracies)


class StudyFolder:
    """Holds ``study.json``, ``results.jsonl``, and a folder for the generators.

    Args:
        path: Created where it does not exist.
        identity: All that a result depends on, besides its own seed and arm.

    Raises:
        ConfigurationError: If the folder holds another study, or cannot be written.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.generators: dict[int, GeneratorResult] = {}
        self.arms: dict[tuple[int, str], ArmResult] = {}
        self._lines: list[str] = []
        self._claim(json.dumps(identity, indent=2, sort_keys=True))
        for line in self._read_lines():
            self._take(line)

    def add(self, result: GeneratorResult | ArmResult) -> None:
        """Keep a result: in the file before this returns."""
        self._take(json.dumps(dataclasses.asdict(result)))
        replace_file(self.path / _RESULTS, "".join(f"{line}\n" for line in self._lines).encode())

    def _take(self, line: str) -> None:
        document = json.loads(line)
        if "arm" in document:
            arm = ArmResult(**document)
            self.arms[arm.seed, arm.arm] = arm
        else:
            generator = GeneratorResult(**document)
            self.generators[generator.seed] = generator
        self._lines.append(line)

    def _claim(self, identity: str) -> None:
        path = self.path / _IDENTITY
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                replace_file(path, identity.encode())
            found = path.read_text("utf-8")
        except OSError as error:
            raise ConfigurationError(f"the folder of the study cannot be used: {error.strerror}") from error
        if found != identity:
            raise ConfigurationError(
                "the folder holds a study of other data or with other settings; remove it, or give another one"
            )

    def _read_lines(self) -> list[str]:
        path = self.path / _RESULTS
        return path.read_text("utf-8").splitlines() if path.exists() else []
