"""What the engine counts while it runs."""

from collections import Counter
from dataclasses import dataclass, field

from app.schemas.jobs import BatchDone
from app.serving.batcher import PlannedBatch

FIRST_GUESS_PER_S = 1000.0
MAX_RETRY_AFTER_S = 60


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

    def add_batch(self, batch: PlannedBatch, done: BatchDone) -> None:
        """Count a computed batch."""
        self.batches[batch.size] += 1
        self.samples += batch.num_samples
        self.padded += batch.size
        self.device_s += done.device_s

    def predict_s(self, num_samples: int) -> float:
        """Predict how long the device takes for so many samples and their padding; 0.0 while nothing was measured."""
        return num_samples * self.device_s / (self.padded * self.lanes) if self.padded else 0.0

    def estimate_wait_s(self, waiting_samples: int) -> int:
        """Estimate when so much waiting work is done, from the measured rate: whole seconds, 1 to 60."""
        rate = self.samples * self.lanes / self.device_s if self.device_s else FIRST_GUESS_PER_S
        return max(1, min(MAX_RETRY_AFTER_S, round(waiting_samples / rate)))
