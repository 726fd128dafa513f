"""LitServe: requests are batched, their samples made in one call and cut apart again."""

from typing import Any

import litserve
import numpy as np
from fastapi import Response
from numpy.typing import NDArray

from serving.sampling import Choice, Sampler, write_npy

MAX_BATCH_REQUESTS = 64
BATCH_TIMEOUT_S = 0.001


class SampleApi(litserve.LitAPI):
    """The generator behind LitServe's worker."""

    def __init__(self, choice: Choice) -> None:
        super().__init__(max_batch_size=MAX_BATCH_REQUESTS, batch_timeout=BATCH_TIMEOUT_S)
        self._choice = choice

    def setup(self, device: Any) -> None:  # noqa: ARG002 - the server's contract
        """Load the generator, in the worker."""
        self._sampler = Sampler(self._choice)

    def decode_request(self, request: dict[str, int]) -> int:
        """Return how many samples are asked for."""
        return request["num_samples"]

    def batch(self, inputs: list[int]) -> list[int]:
        """Keep the requests as they are."""
        return inputs

    def predict(self, counts: list[int]) -> list[NDArray[np.uint8]]:
        """Make the samples of all requests."""
        return np.split(self._sampler.sample(sum(counts)), np.cumsum(counts)[:-1])

    def unbatch(self, output: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """Hand out what each request asked for."""
        return output

    def encode_response(self, output: NDArray[np.uint8]) -> Response:
        """Answer with a file."""
        return Response(write_npy(output), media_type="application/x-npy")


def main() -> None:
    """Serve."""
    choice, options = Choice.parse(__doc__)
    server = litserve.LitServer(SampleApi(choice), accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=options.port, generate_client_file=False, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
