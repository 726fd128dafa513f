"""BentoML: rows are batched adaptively, one row per sample, and answered as JSON: files cannot be cut out of a batch.

A row comes back as base64, which costs far less than a list of numbers.
"""

import base64
import os
import sys

import bentoml

from serving.sampling import Choice, Sampler

MAX_BATCH_ROWS = 4096
MAX_LATENCY_MS = 10_000
_OPTIONS = "FOUNT_BENCH_OPTIONS"  # the server imports this file again, in processes of its own


@bentoml.service(workers=1, traffic={"timeout": 60})
class SampleService:
    """The generator as a service."""

    def __init__(self) -> None:
        repository, model, variant, threads = os.environ[_OPTIONS].split("\n")  # noqa: TID251 - see above
        self._sampler = Sampler(Choice(repository, model, variant, int(threads)))  # type: ignore[arg-type] # as written

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_ROWS, max_latency_ms=MAX_LATENCY_MS)
    def sample(self, rows: list[int]) -> list[str]:
        """Make one sample per row."""
        return [base64.b64encode(pixels).decode("ascii") for pixels in self._sampler.sample(len(rows))]


def main() -> None:
    """Serve."""
    choice, options = Choice.parse(__doc__)
    os.environ[_OPTIONS] = "\n".join(  # noqa: TID251 - see above
        [choice.repository, choice.model, choice.variant, str(choice.threads)]
    )
    command = ["serve", "serving.peers.bento:SampleService", "--host", "127.0.0.1", "--port", str(options.port)]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", *command])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
