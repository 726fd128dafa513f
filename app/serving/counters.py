"""What the engine counts while it runs."""

from collections import Counter
from dataclasses import dataclass, field

from app.schemas.jobs import BatchDone
from app.serving.batches import PlannedBatch

FIRST_GUESS_PER_S = 1000.0
MAX_RETRY_AFTER_S = 60
_KEPT = 0.95  # of what was measured before, with each batch: the last twenty count for most
MOST_VERSIONS = 512
OTHER_VERSIONS = ("other", 0)


@dataclass(slots=True)
class VersionCounts:
    """What was computed of one version: samples, rows of batches that were none, and the seconds that both took."""

    samples: int = 0
    padding: int = 0
    device_s: float = 0.0


@dataclass(slots=True)
class Counters:
    """Plain numbers since the engine started; ``EngineStatus`` says what each is."""

    batches: Counter[int] = field(default_factory=Counter)
    samples: int = 0
    device_s: float = 0.0
    lanes: int = 1
    padded: int = 0
    refused: int = 0
    overdue: int = 0
    cancelled: int = 0
    failed: int = 0
    _recent_s: float = 0.0
    _recent_places: float = 0.0
    versions: dict[tuple[str, int], VersionCounts] = field(default_factory=dict)

    def add_batch(self, batch: PlannedBatch, done: BatchDone) -> None:
        """Count a computed batch."""
        self._recent_s = _KEPT * self._recent_s + done.device_s
        self._recent_places = _KEPT * self._recent_places + batch.size
        self.batches[batch.size] += 1
        self.samples += batch.num_samples
        self.padded += batch.size
        self.device_s += done.device_s
        version = self._count_version(batch.model.name, batch.model.version)
        version.samples += batch.num_samples
        version.padding += batch.size - batch.num_samples
        version.device_s += done.device_s

    def predict_s(self, num_samples: int) -> float:
        """Predict how long the device takes for so many samples and their padding, from what the last batches took.

        0.0 while nothing was measured.
        """
        return num_samples * self._recent_s / (self._recent_places * self.lanes) if self._recent_places else 0.0

    def device_seconds(self, name: str, version: int, num_samples: int) -> float:
        """Predict the device time of so many samples of a version, lanes added up; 0.0 while nothing was measured."""
        known = self.versions.get((name, version))
        places = known.samples + known.padding if known else 0
        if known and places:
            return num_samples * known.device_s / places
        return num_samples * self.device_s / self.padded if self.padded else 0.0

    def estimate_wait_s(self, waiting_samples: int) -> int:
        """Estimate when so much waiting work is done, from the measured rate: whole seconds, 1 to 60."""
        rate = self.samples * self.lanes / self.device_s if self.device_s else FIRST_GUESS_PER_S
        return max(1, min(MAX_RETRY_AFTER_S, round(waiting_samples / rate)))

    def _count_version(self, name: str, version: int) -> VersionCounts:
        """Find where a version is counted; those that come when there are many are one, so that nothing grows."""
        key = (name, version)
        if key not in self.versions and len(self.versions) >= MOST_VERSIONS:
            key = OTHER_VERSIONS
        return self.versions.setdefault(key, VersionCounts())
