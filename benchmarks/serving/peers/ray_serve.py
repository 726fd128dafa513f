"""Ray Serve: requests are batched in the replica's event loop."""

import asyncio
import signal
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from serving.sampling import Choice, Sampler, write_npy

MAX_BATCH_REQUESTS = 64
BATCH_WAIT_S = 0.001


@serve.deployment(max_ongoing_requests=128, ray_actor_options={"num_cpus": 1})
class SampleDeployment:
    """The generator as one replica."""

    def __init__(self, choice: Choice) -> None:
        self._sampler = Sampler(choice)

    @serve.batch(max_batch_size=MAX_BATCH_REQUESTS, batch_wait_timeout_s=BATCH_WAIT_S)
    async def sample(self, counts: list[int]) -> list[NDArray[np.uint8]]:
        """Make the samples of all requests."""
        made = await asyncio.to_thread(self._sampler.sample, sum(counts))
        return np.split(made, np.cumsum(counts)[:-1])

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        asked = await request.json()
        return Response(write_npy(await self.sample(asked["num_samples"])), media_type="application/x-npy")


def main() -> None:
    """Serve until SIGTERM."""
    choice, options = Choice.parse(__doc__)
    ray.init(address="local", include_dashboard=False, log_to_driver=False, configure_logging=False)
    serve.start(http_options={"host": "127.0.0.1", "port": options.port, "access_log": False})
    deployment: Any = SampleDeployment  # the decorator's work
    serve.run(deployment.bind(choice), blocking=False)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
