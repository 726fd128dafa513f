"""Everything that the OpenAPI document describes, asked of a running service by Schemathesis."""

import os
import subprocess
import sys
from pathlib import Path

from tests.factories import publish_tiny_model
from tests.rig.server import DEADLINE_S, Target

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
KEY = "a-key-for-the-contract"
PHASES = "examples,coverage,fuzzing,stateful"
DATASET = {"samples": [{"model": "mnist-gan@1", "num_samples": 40, "seed": 3}], "shard_size": 20}


def publish_models(root: Path) -> None:
    """Publish tiny models under the names that examples in the document use."""
    for seed in (1, 2):
        publish_tiny_model(root, "mnist-gan", num_classes=10, seed=seed)
    publish_tiny_model(root, "mnist-vae", num_classes=10, architecture="vae")
    publish_tiny_model(root, "plain", num_classes=0)


def ask(service: Target, examples: int, seed: int) -> subprocess.CompletedProcess[str]:
    """Ask for all operations, in all phases.

    Args:
        service: A service of the models above, whose key is ``KEY``.
        examples: Most generated requests per operation and phase.
        seed: Of the requests.

    Returns:
        The finished run: exit code 0 where nothing failed; its output ends with what did, and how to repeat it.
    """
    with service.open_client(headers={"Authorization": f"Bearer {KEY}"}) as client:
        answer = client.post("/v1/datasets", json=DATASET, timeout=DEADLINE_S).raise_for_status()
    variables = {
        "FOUNT_CONTRACT_KEY": KEY,
        "FOUNT_CONTRACT_TOKEN": answer.json()["token"],
        "PYTHONPATH": str(CONFIGURATION.parents[2]),
    }
    command = [
        str(Path(sys.executable).with_name("st")),
        *("--no-color", "--config-file", str(CONFIGURATION)),
        *("run", f"{service.url}/openapi.json", "--phases", PHASES),
        *("--max-examples", str(examples), "--seed", str(seed)),
    ]
    environment = os.environ | variables  # noqa: TID251 - the child's, not ours
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
