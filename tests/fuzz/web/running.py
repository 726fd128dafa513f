"""A service of tiny models to attack, and all that is watched meanwhile."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.web.attack import HANG_S, Attack, Outcome
from tests.fuzz.web.corpus import Corpus
from tests.rig.canary import Canary
from tests.rig.models import CODER, publish_models
from tests.rig.processes import MIB, find_descendants, read_command, read_tree_bytes
from tests.rig.server import Service, serve

LIVENESS_S = 1.0
BATCH = 20_000
DATASET = {"samples": [{"model": "tiny@1", "num_samples": 40, "seed": 3}], "shard_size": 20}


@dataclass
class Watched:
    """A service under attack.

    Attributes:
        service: The service.
        corpus: What it can be asked for.
        canary: Asks whether it lives.
        patience: Factor on the times that answers may take, for machines that do other things as well.
        worst_s: Longest wait for an answer about liveness.
    """

    service: Service
    corpus: Corpus
    canary: Canary
    patience: float = 1.0
    worst_s: float = 0.0

    def attack(self, *, seed: int, first: int, count: int, connections: int) -> Outcome:
        """Send attempts; what is wrong with the service afterwards is a finding, too."""
        worker = self._find_worker()
        attack = Attack(self.service.host, self.service.port, self.corpus, seed, HANG_S * self.patience)
        outcome = asyncio.run(attack.run(first, count, connections))
        report = self.canary.take()
        self.worst_s = max(self.worst_s, report.worst_s)
        where = f"between attempts {first} and {first + count}"
        if report.worst_s > LIVENESS_S * self.patience or report.failures:
            outcome.findings.append(f"liveness took {report.worst_s:.3f} s {where}: {report.failures}")
        if self.service.process.poll() is not None:
            outcome.findings.append(f"the service ended {where}: {self.service.last_lines()}")
        elif self._find_worker() != worker:
            outcome.findings.append(f"the worker was replaced {where}: {self.service.last_lines()}")
        return outcome

    def resident_mib(self) -> float:
        """Memory of the service and of its children."""
        return read_tree_bytes(self.service.pid) / MIB

    def _find_worker(self) -> int | None:
        return next((pid for pid in find_descendants(self.service.pid) if "app.worker" in read_command(pid)), None)


@contextlib.contextmanager
def serve_corpus(root: Path, patience: float = 1.0) -> Iterator[Watched]:
    """Serve tiny models from a folder, and watch."""
    publish_models(root)
    with serve(root, FOUNT_LOG__LEVEL="error", FOUNT_POOL__SAMPLES="0") as service:
        service.wait_ready()
        with service.open_client() as client:
            token = client.post("/v1/datasets", json=DATASET).raise_for_status().json()["token"]
        with Canary(service.host, service.port) as canary:
            yield Watched(service, Corpus("tiny", CODER, token), canary, patience)
