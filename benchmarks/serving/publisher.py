"""Publishes one version after the other while a service is asked for samples, and waits until each one is served."""

import argparse
import http.client
import json
import time
from pathlib import Path

from app.repository.store import ModelRepository
from serving.model import publish_version

KEPT = 3
_DEADLINE_S = 60.0
_PAUSE_S = 0.02


def main() -> None:
    """Publish, wait, remove the oldest; prints the number of each version once it is served."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    arguments = parser.parse_args()
    repository = ModelRepository(str(arguments.repository))
    for number in range(arguments.count):
        version = publish_version(repository, arguments.name, seed=1000 + number).version
        _wait_until_served(arguments, f"{arguments.name}@{version}")
        if version > KEPT:
            repository.remove(arguments.name, version - KEPT)
        print(version, flush=True)


def _wait_until_served(arguments: argparse.Namespace, reference: str) -> None:
    """Ask for the model by its bare name until the answer is of a version.

    Raises:
        TimeoutError: If that takes longer than a minute.
    """
    body = json.dumps({"model": arguments.name, "num_samples": 1, "format": "npy"})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {arguments.key}"}
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", arguments.port, timeout=_DEADLINE_S)
        connection.request("POST", "/v1/samples", body, headers)
        served = connection.getresponse().getheader("Fount-Model")
        connection.close()
        if served == reference:
            return
        time.sleep(_PAUSE_S)
    raise TimeoutError(f"{reference} was not served")


if __name__ == "__main__":
    main()
